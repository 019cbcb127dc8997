// Publishes messages at a steady rate.

/** Each message is due at its own time, however long the previous one took. `stop` returns the published texts. */
export function publishSteadily(server, per_second) {
  const start_ms = performance.now();
  const published = [];
  let going = true;
  const done = (async () => {
    while (going) {
      const wait_ms = start_ms + (published.length / per_second) * 1_000 - performance.now();
      if (wait_ms > 0) await new Promise((resolve) => setTimeout(resolve, wait_ms));
      const text = `number ${published.length}`;
      await server.publish({ author: published.length % 3 ? 'ana' : 'tomas', text });
      published.push(text);
    }
  })();
  return {
    published,
    async stop() {
      going = false;
      await done;
      return published;
    },
  };
}
