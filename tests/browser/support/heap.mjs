// Measures a page: heap, nodes and listeners after garbage collection, and its tasks.

/** Records long tasks from now on. */
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

/** Returns a function that collects garbage and then measures what the page holds. */
export async function createHeapProbe(page) {
  const session = await page.context().newCDPSession(page);
  // CPU time of the page's own thread, independent of other load on the machine.
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
 * Traces the tasks of the page's main thread by their CPU time. The browser reports long tasks by wall-clock time,
 * which on a busy machine includes waiting for the processor. `stop` returns `{ tasks, longest_ms, over_50_ms }`,
 * without tasks in the intervals `but_us`.
 */
export async function traceTasks(browser) {
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
