// The sequence diagrams of all lanes as one picture without a stylesheet: an SVG or a PNG.

import { strings } from '../../i18n/index.ts';
import { h } from '../dom.ts';
import { svg } from '../diagram/svg.ts';

export interface LanePicture {
  name: string;
  /** The frame that clips the diagram. */
  frame: Element;
}

/** The properties that elements of the diagram get from the stylesheet. */
const PROPERTIES = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-opacity',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'opacity',
  'paint-order',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
  'dominant-baseline',
  'visibility',
  'display',
] as const;

const GAP_PX = 24;
const HEAD_PX = 44;
const PNG_SCALE = 2;

/** Null if no lane has drawn anything yet. */
export function createPicture(lanes: readonly LanePicture[]): SVGSVGElement | null {
  const drawn = lanes.flatMap(({ name, frame }) => {
    const diagram = frame.querySelector('svg');
    const { width, height } = frame.getBoundingClientRect();
    return diagram === null || width === 0 || height === 0 ? [] : [{ name, frame, diagram, width, height }];
  });
  const [first] = drawn;
  if (first === undefined) return null;
  const style = getComputedStyle(first.frame);
  const [paper, ink] = [style.getPropertyValue('--paper').trim(), style.getPropertyValue('--ink').trim()];
  const rule = style.getPropertyValue('--rule-strong').trim();
  const width = drawn.reduce((sum, lane) => sum + lane.width + GAP_PX, GAP_PX);
  const height = Math.max(...drawn.map((lane) => lane.height)) + HEAD_PX + GAP_PX;
  const whole = svg('svg', {
    xmlns: 'http://www.w3.org/2000/svg',
    width: Math.ceil(width),
    height: Math.ceil(height),
    viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
    'font-family': style.fontFamily,
  });
  whole.append(svg('rect', { width: '100%', height: '100%', fill: paper }));
  let x = GAP_PX;
  for (const lane of drawn) {
    const tape = lane.diagram.getBoundingClientRect();
    const frame = lane.frame.getBoundingClientRect();
    const lifelines = copyLifelines(lane.frame, lane.height);
    const copy = inlineStyles(lane.diagram);
    copy.setAttribute('x', String(tape.left - frame.left));
    copy.setAttribute('y', String(tape.top - frame.top));
    copy.setAttribute('overflow', 'hidden');
    whole.append(
      svg('text', { x, y: 20, fill: ink, 'font-size': 16, 'font-weight': 600 }, lane.name),
      ...lifelines.map((line, at) =>
        svg(
          'text',
          {
            x: x + Number(line.getAttribute('x')),
            y: HEAD_PX - 6,
            fill: ink,
            'font-size': 12,
            'text-anchor': 'middle',
          },
          at === 0 ? strings.diagram.browser : strings.diagram.server,
        ),
      ),
      // A nested viewport clips the tape to the frame.
      svg(
        'svg',
        { x, y: HEAD_PX, width: lane.width, height: lane.height, overflow: 'hidden' },
        svg('rect', { width: '100%', height: '100%', fill: 'none', stroke: rule }),
        ...lifelines,
        copy,
      ),
    );
    x += lane.width + GAP_PX;
  }
  return whole;
}

/** The lifelines of browser and server, which the stylesheet draws as pseudo-elements. */
function copyLifelines(frame: Element, height: number): SVGRectElement[] {
  return ['::before', '::after'].flatMap((pseudo) => {
    const { content, left, width, backgroundColor } = getComputedStyle(frame, pseudo);
    const x = Number.parseFloat(left);
    if (content === 'none' || Number.isNaN(x)) return [];
    return [svg('rect', { x, y: 0, width: Number.parseFloat(width), height, fill: backgroundColor })];
  });
}

/** A copy with inline styles, without attributes that only the page needs. */
function inlineStyles(diagram: SVGSVGElement): SVGSVGElement {
  const copy = diagram.cloneNode(true) as SVGSVGElement;
  const [from, to] = [
    [diagram, ...diagram.querySelectorAll('*')],
    [copy, ...copy.querySelectorAll('*')],
  ];
  from.forEach((original, at) => {
    const target = to[at];
    if (target === undefined) return;
    const style = getComputedStyle(original);
    for (const property of PROPERTIES) {
      const value = style.getPropertyValue(property);
      if (value !== '') target.setAttribute(property, value);
    }
    for (const name of ['class', 'style', 'tabindex', 'aria-hidden', 'aria-label', 'role'])
      target.removeAttribute(name);
  });
  return copy;
}

export function serializeSvg(picture: SVGSVGElement): string {
  return new XMLSerializer().serializeToString(picture);
}

export async function renderPng(picture: SVGSVGElement): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(serializeSvg(picture))}`;
  await image.decode();
  const canvas = h('canvas', {
    width: picture.width.baseVal.value * PNG_SCALE,
    height: picture.height.baseVal.value * PNG_SCALE,
  });
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob === null ? reject(new Error('no picture')) : resolve(blob)), 'image/png'),
  );
}
