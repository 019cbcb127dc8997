// The picker for a lane's network fault, and the notice about its effects.

import { FAULTS, type Fault, STALL_TIMEOUT_S } from '../lab/fault.ts';
import { isHttp1 } from '../client/http-version.ts';
import { watchPageLifecycle } from '../client/page-lifecycle.ts';
import type { Lane } from '../lab/lane.ts';
import type { Link } from '../client/sources/source.ts';
import { strings } from '../i18n/index.ts';
import type { LabPlugin } from './lab-plugin.ts';
import { h, setText } from './dom.ts';

const TICK_MS = 1_000;
/** How long the end of a fault is reported. */
const AGAIN_MS = 4_000;

export const network: LabPlugin = {
  lane({ lane, view, key }) {
    view.places.controls.append(createNetworkPicker(key, lane));
    view.places.notices.append(createNetworkNotice(lane));
  },
  page({ lanes }) {
    watchPageLifecycle({
      reconnect: () => lanes().forEach(({ lane }) => lane.reconnect()),
      resume: () => lanes().forEach(({ lane }) => lane.resume()),
      suspend: () => lanes().forEach(({ lane }) => lane.suspend()),
    });
  },
};

function createNetworkPicker(key: string, lane: Lane): HTMLElement {
  const id = `${key}-network`;
  const options = FAULTS.map((fault) =>
    h('option', { value: fault, title: strings.expect[fault] }, strings.networks[fault]),
  );
  const select = h('select', { id, 'aria-describedby': `${id}-expect` }, ...options);
  const expect = h('p', { class: 'network-expect', id: `${id}-expect` }, strings.expect.healthy);
  // Screen readers announce only the end of a fault, not the countdown.
  const left = h('span', { 'aria-hidden': 'true' });
  const again = h('span', { 'aria-live': 'polite' });
  const mute = createStallTimeoutField(id, lane);
  const element = h(
    'div',
    { class: 'network', 'data-fault': 'healthy' },
    h(
      'div',
      { class: 'network-row' },
      h('div', { class: 'network-choice' }, h('label', { for: id }, strings.network), select),
      mute.element,
      h('p', { class: 'network-left' }, left, again),
    ),
    expect,
  );
  select.addEventListener('change', () => {
    const fault = FAULTS.find((each) => each === select.value);
    if (fault !== undefined) lane.network.setFault(fault);
  });

  let timer: ReturnType<typeof setInterval> | undefined;
  let before: Fault = 'healthy';
  lane.network.subscribe({
    fault(fault, until_ms) {
      clearInterval(timer);
      element.dataset['fault'] = fault;
      select.value = fault;
      setText(expect, strings.expect[fault]);
      mute.show();
      const isBack = fault === 'healthy' && before !== 'healthy';
      before = fault;
      setText(left, '');
      setText(again, isBack ? strings.healthyAgain : '');
      if (isBack) timer = setTimeout(() => setText(again, ''), AGAIN_MS);
      if (until_ms === null) return;
      const showRemaining = () => {
        const left_s = Math.ceil((until_ms - performance.now()) / 1_000);
        setText(left, strings.healthyIn(Math.max(1, left_s)));
      };
      showRemaining();
      timer = setInterval(showRemaining, TICK_MS);
    },
  });
  return element;
}

function createStallTimeoutField(id: string, lane: Lane): { element: HTMLElement; show: () => void } {
  const { min, max } = STALL_TIMEOUT_S;
  const mute = `${id}-mute`;
  const input = h('input', {
    type: 'number',
    id: mute,
    min,
    max,
    step: 'any',
    inputmode: 'decimal',
    value: lane.network.stallTimeout_ms / 1_000,
    'aria-describedby': `${mute}-explained`,
  });
  const range = h('p', { class: 'mute-range', 'aria-live': 'polite' });
  input.addEventListener('change', () => {
    const isValid = input.checkValidity() && input.value !== '';
    setText(range, isValid ? '' : strings.planner.outOfRange(min, max));
    if (isValid) lane.network.setStallTimeout(input.valueAsNumber);
    else show();
  });
  const show = () => (input.value = String(lane.network.stallTimeout_ms / 1_000));
  lane.network.subscribe({ stallTimeout: show });
  const element = h(
    'div',
    { class: 'mute' },
    h('label', { for: mute }, strings.muteAfter),
    input,
    h('span', { 'aria-hidden': 'true' }, strings.secondsUnit),
    range,
    h('p', { class: 'mute-explained', id: `${mute}-explained` }, strings.muteExplained),
  );
  return { element, show };
}

/** A notice that explains a fallback, or a silent stream. */
function createNetworkNotice(lane: Lane): HTMLElement {
  const text = h('span');
  const client = h('code');
  const element = h('p', { class: 'network-notice', hidden: true }, text, client);
  let timer: ReturnType<typeof setInterval> | undefined;
  /** When the stream was last active. */
  let lastActive_ms = performance.now();
  /** While the network has a fault, counts how long the stream has been silent. */
  const showSilence = () => {
    const { transport, network, link } = lane;
    const silent_s = Math.floor((performance.now() - lastActive_ms) / 1_000);
    // A proxy can hold back even the beginning of a stream, so the lane may still be connecting.
    const hasStream = transport === 'stream' && link.kind !== 'reconnecting';
    const isSilent = hasStream && network.fault !== 'healthy' && silent_s >= 1;
    element.hidden = !isSilent;
    if (!isSilent) return;
    element.dataset['why'] = 'silent';
    setText(text, strings.silentFor(silent_s, network.stallTimeout_ms / 1_000));
  };
  const show = (link: Link) => {
    clearInterval(timer);
    const fallback = link.kind === 'live' ? link.fallback : undefined;
    element.hidden = fallback === undefined;
    if (fallback === undefined) timer = setInterval(showSilence, TICK_MS);
    setText(client, fallback?.why === 'shared' ? fallback.client : '');
    if (fallback === undefined) return;
    element.dataset['why'] = fallback.why;
    switch (fallback.why) {
      case 'mute': {
        const { idle_s, retry_at_ms } = fallback;
        const showRemaining = () => {
          const again_s = Math.max(0, Math.ceil((retry_at_ms - performance.now()) / 1_000));
          setText(text, strings.notice.mute(Math.round(idle_s), again_s));
        };
        showRemaining();
        timer = setInterval(showRemaining, TICK_MS);
        break;
      }
      case 'crowded':
        setText(
          text,
          isHttp1(lane.network.crossOriginVersion) ? strings.notice.crowded : strings.notice.crowdedStreams,
        );
        break;
      case 'shared':
        setText(text, `${strings.notice.shared(fallback.polls)} `);
        break;
      case 'sharing':
        setText(text, strings.notice.sharing(fallback.tabs));
    }
  };
  lane.subscribe({
    exchange: (_exchange, _transport, at_ms) => (lastActive_ms = at_ms),
    transport: (_transport, at_ms) => (lastActive_ms = at_ms),
    link: show,
    stopped: () => show({ kind: 'connecting' }),
  });
  return element;
}
