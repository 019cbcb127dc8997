// A page object for a lane's sequence diagram: its arrows, its list and its controls.

/** The number of different positions of a tape within `ms` milliseconds. */
export function countPositions(tape, ms) {
  return tape.evaluate(
    (element, ms) =>
      new Promise((resolve) => {
        const seen = new Set();
        const end = performance.now() + ms;
        const look = () => {
          seen.add(getComputedStyle(element).transform);
          if (performance.now() < end) requestAnimationFrame(look);
          else resolve(seen.size);
        };
        look();
      }),
    ms,
  );
}

export class Diagram {
  #lane;

  /** `lane` contains the diagram: the page, or a lane's region. */
  constructor(lane) {
    this.#lane = lane;
  }

  get region() {
    return this.#lane.getByRole('group', { name: 'Sequence diagram', exact: true });
  }

  get picture() {
    return this.region.getByRole('group', { name: /^Sequence diagram, / });
  }

  get arrows() {
    return this.picture.getByRole('img');
  }

  get list() {
    return this.region.getByRole('list', { name: 'Events' });
  }

  button(name) {
    return this.region.getByRole('button', { name, exact: true });
  }

  get newConnection() {
    return this.region.getByRole('switch', { name: 'New connection for each poll' });
  }

  /** The list's events as `{ what, messages, bytes, connection }`, parsed from their sentences. */
  events() {
    return this.list.getByRole('listitem').evaluateAll((items) =>
      items.map((item) => {
        const words = item.textContent;
        const number = (pattern) => Number(pattern.exec(words)?.[1].replaceAll(',', '') ?? 0);
        return {
          what: /^\S+ ([^:]+):/.exec(words)?.[1],
          messages: number(/([\d,]+) messages?/),
          bytes: number(/([\d,]+) bytes?/),
          connection: number(/connection (\d+)/),
        };
      }),
    );
  }

  /** The number of drawn events of a kind, counting each event of an arrow that stands for several. */
  countDrawn(what) {
    return this.arrows.evaluateAll(
      (arrows, wanted) =>
        arrows
          .filter((arrow) => arrow.getAttribute('aria-label').startsWith(`${wanted}:`))
          .reduce((sum, arrow) => sum + Number(arrow.dataset.count), 0),
      what,
    );
  }
}
