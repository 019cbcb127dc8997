// The stylesheet's colours for drawing on a canvas.

import { TRANSPORTS, type Transport } from '../../client/transport.ts';

export interface Palette {
  paper: string;
  sunk: string;
  ink: string;
  soft: string;
  rule: string;
  font: string;
  transports: Record<Transport, string>;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const transports = TRANSPORTS.map((transport) => [transport, colour(transport)] as const);
  return {
    paper: colour('paper'),
    sunk: colour('paper-sunk'),
    ink: colour('ink'),
    soft: colour('ink-soft'),
    rule: colour('rule'),
    font: `12px ${style.fontFamily}`,
    transports: Object.fromEntries(transports) as Record<Transport, string>,
  };
}

/** Polling is dotted, long-polling dashed, SSE solid, as everywhere on the page. */
export const DASHES: Record<Transport, number[]> = { poll: [0.1, 5], 'long-poll': [9, 5], stream: [] };
