import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { watchPageLifecycle } from '../src/client/page-lifecycle.ts';
import { FakePage } from './page-support.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function watch() {
  const page = new FakePage();
  const received: string[] = [];
  const stop = watchPageLifecycle(
    {
      hidden: () => received.push('hidden'),
      shown: () => received.push('shown'),
      reconnect: () => received.push('reconnect'),
      resume: () => received.push('resume'),
      suspend: () => received.push('suspend'),
    },
    page,
  );
  return { page, received, stop };
}

describe('the page lifecycle', () => {
  test('reconnects when the page is shown again', () => {
    const { page, received } = watch();
    page.hide();
    page.show();
    expect(received).toEqual(['hidden', 'shown', 'reconnect']);
  });

  test('resumes after a sleep of the machine, detected by the next timer or when the page is shown', async () => {
    const { page, received } = watch();
    await vi.advanceTimersByTimeAsync(4_000);
    vi.setSystemTime(Date.now() + 60_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(received).toEqual(['resume']);
    page.hide();
    vi.setSystemTime(Date.now() + 300_000);
    page.show();
    expect(received).toEqual(['resume', 'hidden', 'shown', 'resume']);
  });

  test('does not take a timer of a hidden page that is a minute late for a sleep', async () => {
    const { page, received } = watch();
    page.hide();
    await vi.advanceTimersByTimeAsync(4_000);
    vi.setSystemTime(Date.now() + 60_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(received).toEqual(['hidden']);
  });

  test('resumes when the network is back, and when the page is restored from the cache', () => {
    const { page, received } = watch();
    page.goOnline();
    page.putAway();
    page.restore(false);
    page.restore(true);
    expect(received).toEqual(['resume', 'suspend', 'resume']);
  });

  test('calls nothing after it is stopped, and leaves no timer', () => {
    const { page, received, stop } = watch();
    stop();
    page.hide();
    page.goOnline();
    expect(received).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
