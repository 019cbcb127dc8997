// The pickers for the transport and the polling interval.

import { INTERVAL_S, STOPS_S, findNearestStop } from '../lab/interval-scale.ts';
import { strings } from '../i18n/index.ts';
import { TRANSPORTS, type Transport } from '../client/transport.ts';
import { h, setText } from './dom.ts';
import { createTransportSwatch } from './transport-swatch.ts';

export interface TransportListener {
  transport(transport: Transport): void;
  /** While the slider moves. */
  interval(seconds: number): void;
  /** When the slider is released, or the number entered. */
  intervalChosen(): void;
}

/** `key` is the prefix of the ids. */
export function createTransportPicker(
  key: string,
  chosen: Transport,
  interval_s: number,
  listener: TransportListener,
): HTMLElement {
  const legend = `${key}-transport-legend`;
  // If there is no space for all explanations, styles show only that of the chosen transport.
  const explained = h('p', { class: 'chosen-explained', 'aria-hidden': 'true' }, strings.explained[chosen]);
  const options = TRANSPORTS.map((transport) => {
    const id = `${key}-transport-${transport}`;
    const radio = h('input', {
      type: 'radio',
      name: `${key}-transport`,
      id,
      value: transport,
      checked: transport === chosen,
      'aria-describedby': `${id}-explained`,
    });
    radio.addEventListener('change', () => {
      if (!radio.checked) return;
      setText(explained, strings.explained[transport]);
      listener.transport(transport);
    });
    return h(
      'div',
      { class: 'option', 'data-transport': transport },
      radio,
      h('label', { for: id }, strings.transports[transport]),
      createTransportSwatch(transport),
      h('p', { class: 'explained', id: `${id}-explained` }, strings.explained[transport]),
    );
  });

  return h(
    'div',
    { class: 'transports' },
    h(
      'fieldset',
      { role: 'radiogroup', 'aria-labelledby': legend },
      h('legend', { id: legend }, strings.transport),
      h('div', { class: 'options' }, ...options),
      explained,
    ),
    createIntervalControl(`${key}-interval`, interval_s, listener),
  );
}

/** The interval as a number and as a slider, which follow each other. */
function createIntervalControl(id: string, initial: number, listener: TransportListener): HTMLElement {
  const { min, max } = INTERVAL_S;
  const [explained, range] = [`${id}-explained`, `${id}-range`];
  const number = h('input', {
    type: 'number',
    id,
    'aria-describedby': `${range} ${explained}`,
    min,
    max,
    step: 'any',
    inputmode: 'decimal',
    autocomplete: 'off',
    value: initial,
  });
  const slider = h('input', {
    type: 'range',
    'aria-label': strings.interval,
    'aria-describedby': explained,
    min: 0,
    max: STOPS_S.length - 1,
    step: 1,
    value: findNearestStop(initial),
  });
  const outOfRange = h('span', { class: 'interval-range', id: range, 'aria-live': 'polite' });
  let seconds = initial;
  const set = (value: number) => {
    seconds = value;
    slider.setAttribute('aria-valuetext', strings.secondsSpoken(value));
    setText(outOfRange, '');
    listener.interval(value);
  };
  slider.addEventListener('input', () => {
    const value = STOPS_S[slider.valueAsNumber] ?? seconds;
    number.value = String(value);
    set(value);
  });
  number.addEventListener('input', () => {
    if (number.value === '' || !number.checkValidity()) return;
    slider.valueAsNumber = findNearestStop(number.valueAsNumber);
    set(number.valueAsNumber);
  });
  // An invalid interval is replaced by the last valid one.
  number.addEventListener('change', () => {
    if (number.value === '' || !number.checkValidity())
      setText(outOfRange, strings.planner.outOfRange(min, max));
    number.value = String(seconds);
    listener.intervalChosen();
  });
  slider.addEventListener('change', () => listener.intervalChosen());
  slider.setAttribute('aria-valuetext', strings.secondsSpoken(initial));
  return h(
    'div',
    { class: 'interval', 'data-transport': 'poll' },
    h('label', { for: id }, strings.interval),
    h(
      'span',
      { class: 'interval-number' },
      number,
      h('span', { 'aria-hidden': 'true' }, strings.secondsUnit),
    ),
    slider,
    outOfRange,
    h('p', { class: 'interval-explained', id: explained }, strings.intervalExplained),
  );
}
