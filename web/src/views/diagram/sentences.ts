// The diagram in words: sentences for the list, tooltips and screen readers, and labels of the arrows.

import { formatTimeDifference, formatCount, formatMilliseconds, formatSeconds } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import { LOCALE } from '../../i18n/language.ts';
import { getRowStyle, type DiagramRow } from '../../lab/diagram/rows.ts';
import type { TimelineEvent } from '../../lab/diagram/sequence.ts';

const exact = new Intl.DateTimeFormat(LOCALE, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

/** Local time of day to the millisecond. */
export function formatExactTime(ms: number): string {
  return exact.format(ms);
}

/** `0.34 ms`, `12 ms`, `1.98 s`, `24.5 s`. */
function formatDuration(ms: number): string {
  if (ms < 9.995) return strings.plots.milliseconds(formatSeconds(ms));
  if (ms < 999.5) return formatMilliseconds(ms);
  const grain = ms < 9_995 ? 10 : 100;
  return strings.diagram.seconds(formatSeconds((Math.round(ms / grain) * grain) / 1_000));
}

/** Describes an event without its time. */
export function describeEvent(timelineEvent: TimelineEvent): string {
  const { diagram } = strings;
  const { kind, messages, status, bytes_in, bytes_out, after_ms, connection } = timelineEvent;
  const bytes = bytes_in + bytes_out;
  const details = [
    messages > 0 ? diagram.messages(formatCount(messages), messages === 1) : null,
    status !== null && status !== 200 ? diagram.status(status) : null,
    bytes > 0 ? diagram.bytes(formatCount(bytes), bytes === 1) : null,
    after_ms === null ? null : diagram.after[kind](formatDuration(after_ms)),
    diagram.connection(connection),
  ];
  return `${diagram.looks[getRowStyle(timelineEvent)]}: ${details.filter((detail) => detail !== null).join(', ')}`;
}

/** Describes an arrow, which may stand for several events. */
export function describeRow(row: DiagramRow): string {
  const { diagram } = strings;
  const { style, single, messages, bytes, from_ms, to_ms } = row;
  const times =
    to_ms - from_ms < 1
      ? formatExactTime(from_ms)
      : diagram.until(formatExactTime(from_ms), formatExactTime(to_ms));
  if (single !== null) return `${describeEvent(single)}, ${times}`;
  const details = [
    row.count > 1 && style !== 'published' ? diagram.times(formatCount(row.count)) : null,
    messages > 0 ? diagram.messages(formatCount(messages), messages === 1) : null,
    bytes > 0 ? diagram.bytes(formatCount(bytes), bytes === 1) : null,
    style === 'published' ? diagram.seenAfter(formatWaitLabel(row)) : null,
    times,
  ];
  return `${diagram.looks[style]}: ${details.filter((detail) => detail !== null).join(', ')}`;
}

/** The label of an arrow in its forms, the longest first; none if it needs no label. */
export function formatRowLabels({ style, messages, count: events, transport }: DiagramRow): string[] {
  const { diagram } = strings;
  if (style === 'push' && events > 1) return [diagram.pushes(formatCount(events))];
  if (style === 'messages' || style === 'push')
    return [diagram.messages(formatCount(messages), messages === 1)];
  // Its crosses say enough, and the space is for question and answer.
  if (style === 'closed' && transport !== 'stream') return [];
  const forms =
    style === 'request'
      ? [diagram.asks[transport], ...diagram.asksBriefly[transport]]
      : [diagram.short[style]];
  if (style === 'head') forms.push(diagram.beginsBriefly);
  const times = events > 1 ? ` ×${formatCount(events)}` : '';
  return forms.flatMap((form) => (form === undefined ? [] : times === '' ? [form] : [form + times, form]));
}

/** The label of a message's bar: how long it waited to be seen, the maximum of several. */
export function formatWaitLabel({ wait_ms }: DiagramRow): string {
  return formatTimeDifference(wait_ms, strings.diagram.secondsUnit);
}

/** The label of the time before an arrow; null if there is none. */
export function formatGapLabel({ single }: DiagramRow): { text: string; ms: number } | null {
  if (single === null || single.after_ms === null || single.kind === 'closed') return null;
  return { text: strings.diagram.gap[single.kind](formatDuration(single.after_ms)), ms: single.after_ms };
}
