import { expect, test, vi } from 'vitest';
import type { Link } from '../src/client/sources/source.ts';
import type { Lane } from '../src/lab/lane.ts';
import type { LaneListener } from '../src/lab/listeners.ts';
import type { Notice } from '../src/views/notice.ts';
import { watchForReload, watchForToken } from '../src/views/page-notices.ts';

/** A lane whose link the test controls, and a notice that records its calls. */
function createParts() {
  let listener: LaneListener = {};
  const lane = {
    network: { fault: 'healthy' },
    subscribe: (given: LaneListener) => void (listener = given),
  } as unknown as Lane;
  const notice = { show: vi.fn(), append: vi.fn(), remove: vi.fn() };
  const emit = (link: Link) => listener.link?.(link, 'poll', 0);
  return { lane, notice, emit, asNotice: notice as unknown as Notice };
}

const refused: Link = { kind: 'reconnecting', why: 'refused', detail: null, status: 401 };
const live: Link = { kind: 'live' };

test('a missing token is reported once until the lane is connected, as the notice may be closed', () => {
  const { lane, notice, emit, asNotice } = createParts();
  watchForToken(lane, asNotice, () => {});
  for (let attempt = 0; attempt < 3; attempt++) emit(refused);
  expect(notice.append).toHaveBeenCalledOnce();
  emit(live);
  expect(notice.remove).toHaveBeenCalledOnce();
  emit(refused);
  expect(notice.append).toHaveBeenCalledTimes(2);
});

test('so is an invalid response', () => {
  const { lane, notice, emit, asNotice } = createParts();
  watchForReload(lane, asNotice, 'http://a/index.js');
  const garbled: Link = { kind: 'reconnecting', why: 'garbled', detail: null };
  for (let attempt = 0; attempt < 3; attempt++) emit(garbled);
  expect(notice.show).toHaveBeenCalledOnce();
  emit(live);
  emit(garbled);
  expect(notice.show).toHaveBeenCalledTimes(2);
});
