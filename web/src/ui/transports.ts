// Choosing the transport, and the interval that polling uses.

import { seconds } from '../format.ts';
import { strings } from '../strings.ts';
import { INTERVAL_S, TRANSPORTS, type Transport } from '../transport.ts';
import { h, setText } from './dom.ts';
import { line } from './line.ts';

export interface TransportListener {
  transport(transport: Transport): void;
  /** While the slider moves. */
  interval(seconds: number): void;
  /** Once it rests. */
  intervalChosen(): void;
}

export function transportPicker(chosen: Transport, listener: TransportListener): HTMLElement {
  const options = TRANSPORTS.map((transport) => {
    const id = `transport-${transport}`;
    const radio = h('input', {
      type: 'radio',
      name: 'transport',
      id,
      value: transport,
      checked: transport === chosen,
      'aria-describedby': `${id}-explained`,
    });
    radio.addEventListener('change', () => {
      if (radio.checked) listener.transport(transport);
    });
    return h(
      'div',
      { class: 'option', 'data-transport': transport },
      radio,
      h('label', { for: id }, strings.transports[transport]),
      line(transport),
      h('p', { class: 'explained', id: `${id}-explained` }, strings.explained[transport]),
    );
  });

  return h(
    'div',
    { class: 'transports' },
    h(
      'fieldset',
      { role: 'radiogroup', 'aria-labelledby': 'transport-legend' },
      h('legend', { id: 'transport-legend' }, strings.transport),
      h('div', { class: 'options' }, ...options),
    ),
    intervalSlider(listener),
  );
}

function intervalSlider(listener: TransportListener): HTMLElement {
  const { min, max, step, initial } = INTERVAL_S;
  const slider = h('input', { type: 'range', id: 'interval', min, max, step, value: initial });
  const shown = h('output', { for: 'interval', 'aria-hidden': 'true' });
  const show = () => {
    const value = slider.valueAsNumber;
    slider.setAttribute('aria-valuetext', strings.secondsSpoken(seconds(value), value === 1));
    setText(shown, strings.seconds(seconds(value)));
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
    h('label', { for: 'interval' }, strings.interval),
    shown,
    slider,
  );
}
