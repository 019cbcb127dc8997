// What a page holds and how it runs: heap, nodes and listeners after a collection, and its long tasks.

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
