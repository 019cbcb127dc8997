// Korean: exporting the result.

import type { share as english } from '../en/share.ts';

export const share: typeof english = {
  share: {
    title: '결과',
    explained:
      '지금까지 레인마다 든 비용을 다른 사람에게 넘깁니다. 페이지 주소를 열면 지금 모습 그대로 열립니다.',
    copyResult: '결과 복사',
    copied: '결과를 복사했습니다',
    copyHere: '여기서 복사할 결과',
    saveReport: '보고서 저장',
    saveCsv: 'CSV로 저장',
    saveJson: 'JSON으로 저장',
    saveSvg: '그림을 SVG로 저장',
    savePng: '그림을 PNG로 저장',
    saved: '저장했습니다',
    nothingDrawn: '아직 저장할 그림이 없습니다.',
    reportTitle: (room) => `poll vs sse: ${room} 방`,
    conditions: '측정 조건',
    takenAt: '시각',
    page: '페이지',
    browser: '브라우저',
    screen: '창',
  },
};
