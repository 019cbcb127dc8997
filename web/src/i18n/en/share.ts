// English: exporting the result.

export const share = {
  share: {
    title: 'Result',
    explained: 'What the lanes have cost up to now, to hand over. The address of the page opens it as it is.',
    copyResult: 'Copy result',
    copied: 'Result copied',
    copyHere: 'The result, to copy from here',
    saveReport: 'Save report',
    saveCsv: 'Save as CSV',
    saveJson: 'Save as JSON',
    saveSvg: 'Save diagram as SVG',
    savePng: 'Save diagram as PNG',
    saved: 'Saved',
    nothingDrawn: 'There is no diagram to save yet.',
    reportTitle: (room: string) => `poll vs sse: room ${room}`,
    conditions: 'How it was measured',
    takenAt: 'Taken at',
    page: 'Page',
    browser: 'Browser',
    screen: 'Window',
  },
};
