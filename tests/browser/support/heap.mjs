// What a page holds and how it runs: heap, nodes and listeners after a collection, and its tasks.

/** Counts long tasks from now on. */
export async function watchLongTasks(page) {
  await page.evaluate(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        globalThis.longTasks.push([startTime, duration]);
    }).observe({ type: 'longtask' });
  });
}

/** Long tasks since the last call, in milliseconds. */
export function longTasks(page) {
  return page.evaluate(() => globalThis.longTasks.splice(0).map(([, duration]) => duration));
}

/** Looks at what the page holds; each look collects garbage first. */
export async function holding(page) {
  const session = await page.context().newCDPSession(page);
  // CPU time of the page's own thread: what else the machine does is not the page's doing.
  await session.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' });
  await session.send('Performance.enable');
  return async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const value = (name) => metrics.find((metric) => metric.name === name)?.value ?? NaN;
    return {
      heap_bytes: value('JSHeapUsedSize'),
      nodes: value('Nodes'),
      listeners: value('JSEventListeners'),
      script_s: value('ScriptDuration'),
      layout_s: value('LayoutDuration') + value('RecalcStyleDuration'),
      task_s: value('TaskDuration'),
    };
  };
}

/**
 * Follows the tasks of the page's main thread. The browser tells of long tasks by the clock, so on a busy machine it
 * also counts the time in which the page had to wait; this is what they took of the processor. `stop` gives
 * `{ tasks, longest_ms, over_50_ms }`, without what ran in the times it is given.
 */
export async function tasks(browser) {
  const session = await browser.newBrowserCDPSession();
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel'], excludedCategories: ['*'] },
  });
  return {
    async stop(but_us) {
      const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
      await session.send('Tracing.end');
      await complete;
      const mains = new Set(
        events
          .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
          .map(({ pid, tid }) => `${pid} ${tid}`),
      );
      let [count, longest_ms] = [0, 0];
      const over_50_ms = [];
      for (const { name, ph, pid, tid, ts, dur, tdur } of events) {
        if (ph !== 'X' || !name.endsWith('RunTask') || !mains.has(`${pid} ${tid}`)) continue;
        if (but_us.some(([from, to]) => ts < to && ts + dur > from)) continue;
        const ms = (tdur ?? 0) / 1_000;
        count += 1;
        longest_ms = Math.max(longest_ms, ms);
        if (ms > 50) over_50_ms.push(ms);
      }
      return { tasks: count, longest_ms, over_50_ms };
    },
  };
}
