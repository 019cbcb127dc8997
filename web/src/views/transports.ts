// Choosing the transport, and the interval that polling uses.

import { strings } from '../i18n/index.ts';
import { INTERVAL_S, TRANSPORTS, type Transport } from '../client/transport.ts';
import { h, setText } from './dom.ts';
import { transportSwatch } from './transport-swatch.ts';

export interface TransportListener {
  transport(transport: Transport): void;
  /** While the slider moves. */
  interval(seconds: number): void;
  /** Once it rests. */
  intervalChosen(): void;
}

/** `key` tells the pickers of one page apart. */
export function transportPicker(
  key: string,
  chosen: Transport,
  interval_s: number,
  listener: TransportListener,
): HTMLElement {
  const legend = `${key}-transport-legend`;
  // Where there is no room for the lines of all three there is this, of the chosen one.
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
      transportSwatch(transport),
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
    intervalSlider(`${key}-interval`, interval_s, listener),
  );
}

function intervalSlider(id: string, value: number, listener: TransportListener): HTMLElement {
  const { min, max, step } = INTERVAL_S;
  const explained = `${id}-explained`;
  const slider = h('input', {
    type: 'range',
    id,
    'aria-describedby': explained,
    min,
    max,
    step,
    value,
  });
  const shown = h('output', { for: id, 'aria-hidden': 'true' });
  const show = () => {
    const value = slider.valueAsNumber;
    slider.setAttribute('aria-valuetext', strings.secondsSpoken(value));
    setText(shown, strings.seconds(value));
  };
  slider.addEventListener('input', () => {
    show();
    listener.interval(slider.valueAsNumber);
  });
  slider.addEventListener('change', () => listener.intervalChosen());
  show();
  return h(
    'div',
    { class: 'interval', 'data-transport': 'poll' },
    h('label', { for: id }, strings.interval),
    shown,
    slider,
    h('p', { class: 'interval-explained', id: explained }, strings.intervalExplained),
  );
}
