// A steady rate of messages, published until it is stopped.

/** `stop` tells how many were published. Each is due at its own time, however long the one before took. */
export function steady(server, per_second) {
  const begun = performance.now();
  let published = 0;
  let going = true;
  const done = (async () => {
    while (going) {
      const wait_ms = begun + (published / per_second) * 1_000 - performance.now();
      if (wait_ms > 0) await new Promise((resolve) => setTimeout(resolve, wait_ms));
      await server.publish({ author: published % 3 ? 'ana' : 'tomas', text: `number ${published}` });
      published += 1;
    }
  })();
  return {
    async stop() {
      going = false;
      await done;
      return published;
    },
  };
}
