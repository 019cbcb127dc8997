// The Traffic control: the pattern that runs, and its result.

import { strings } from '../i18n/index.ts';
import { formatParameter, type PageSettings } from '../lab/page-settings.ts';
import { LIMITS, type Pattern, RATE, Traffic } from '../lab/traffic.ts';
import { putParameter } from './browser.ts';
import { h, setText } from './dom.ts';

const CHOICES = ['quiet', 'chatty', 'burst', 'steady'] as const satisfies ('quiet' | Pattern)[];

export interface TrafficControl {
  element: HTMLElement;
  /** Starts a pattern, as its button does; null stops the running one. */
  choose(pattern: Pattern | null): void;
  /** Starts a pattern. When it ends, returns null if all was published, or else the sentence that is shown. */
  run(pattern: Pattern): Promise<string | null>;
  readonly pattern: Pattern | null;
}

/** Calls `published` for each message with its send time, and `changed` when a pattern begins or ends. */
export function createTrafficControl(
  room: string,
  settings: PageSettings,
  published: (cursor: string, sent_ms: number) => void,
  changed: (pattern: Pattern | null) => void,
): TrafficControl {
  const explained = 'traffic-explained';
  // Screen readers announce only the result, not the progress.
  const state = h('p', { class: 'traffic-state', 'aria-live': 'off' });
  const buttons = CHOICES.map((choice) => {
    const button = h(
      'button',
      { type: 'button', 'aria-pressed': String(choice === 'quiet') },
      strings.patterns[choice],
    );
    button.addEventListener('click', () => choose(choice === 'quiet' ? null : choice));
    return button;
  });
  let onEnd: (failure: string | null) => void = () => {};
  const choose = (pattern: Pattern | null) => {
    if (pattern === null) traffic.stop();
    else traffic.start(pattern);
    putParameter('traffic', formatParameter('traffic', pattern));
  };
  const press = () => {
    const running = traffic.pattern ?? 'quiet';
    CHOICES.forEach((choice, at) => buttons[at]?.setAttribute('aria-pressed', String(choice === running)));
    changed(traffic.pattern);
  };

  const traffic = new Traffic(
    { room, author: strings.trafficAuthor, text: strings.trafficText },
    {
      progress({ published, failed }) {
        press();
        state.setAttribute('aria-live', 'off');
        state.toggleAttribute('data-failed', failed > 0);
        setText(state, strings.trafficProgress(published, failed));
      },
      published: ({ cursor }, sent_ms) => published(cursor, sent_ms),
      ended(how, { published, failed }) {
        press();
        state.setAttribute('aria-live', 'polite');
        const progress = strings.trafficProgress(published, failed);
        // Traffic that ends because the page is hidden stays in the address, so that it restarts with the page.
        if (how.kind !== 'hidden') putParameter('traffic', null);
        const sentence = strings.trafficEnded(how, progress, LIMITS.minutes, LIMITS.messages);
        setText(state, sentence);
        state.toggleAttribute('data-failed', how.kind === 'failed');
        onEnd(how.kind === 'done' && failed === 0 ? null : sentence);
      },
    },
  );

  const { rate, label, range } = createRateField(settings.rate, (per_second) => traffic.setRate(per_second));

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) traffic.stop({ kind: 'hidden' });
  });
  window.addEventListener('pagehide', () => traffic.stop({ kind: 'hidden' }));

  const fold = h(
    'button',
    { class: 'fold traffic-fold', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'traffic' },
    strings.traffic,
  );
  const control = h(
    'fieldset',
    { class: 'traffic', id: 'traffic', 'aria-describedby': explained },
    h('legend', {}, strings.traffic),
    h(
      'div',
      { class: 'traffic-choice' },
      h('div', { class: 'segments' }, ...buttons),
      h('span', { class: 'rate' }, rate, label),
    ),
    range,
    state,
    h('p', { class: 'traffic-explained', id: explained }, strings.trafficExplained),
  );
  fold.addEventListener('click', () =>
    fold.setAttribute('aria-expanded', String(control.toggleAttribute('data-open'))),
  );
  return {
    element: h('div', { class: 'traffic-frame' }, fold, control),
    choose,
    run(pattern) {
      // Ends the pattern before it.
      choose(pattern);
      return new Promise((resolve) => (onEnd = resolve));
    },
    get pattern() {
      return traffic.pattern;
    },
  };
}

/** The rate of steady traffic. A rate out of range is corrected, and the range is shown. Calls `setRate` at once. */
function createRateField(
  initial: number,
  setRate: (per_second: number) => void,
): { rate: HTMLElement; label: HTMLElement; range: HTMLElement } {
  const rate = h('input', {
    type: 'number',
    id: 'traffic-rate',
    min: RATE.min,
    max: RATE.max,
    step: 'any',
    value: initial,
    inputmode: 'decimal',
  });
  const label = h(
    'label',
    { for: 'traffic-rate' },
    h('span', { class: 'visually-hidden' }, strings.rate.messages),
    strings.rate.perSecond,
  );
  const range = h('p', { class: 'traffic-range', 'aria-live': 'polite' });
  rate.addEventListener('input', () => {
    if (rate.validity.valid) setText(range, '');
    if (rate.validity.valid && rate.value !== '') setRate(rate.valueAsNumber);
  });
  rate.addEventListener('change', () => {
    const given = Number.isFinite(rate.valueAsNumber) ? rate.valueAsNumber : RATE.initial;
    const valid = Math.min(RATE.max, Math.max(RATE.min, given));
    if (valid !== rate.valueAsNumber) setText(range, strings.planner.outOfRange(RATE.min, RATE.max));
    rate.valueAsNumber = valid;
    setRate(valid);
    putParameter('rate', formatParameter('rate', valid));
  });
  setRate(initial);
  return { rate, label, range };
}
