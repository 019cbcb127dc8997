// The page's arithmetic against the server's: the same questions, the same answers.

import { describe, expect, it } from 'vitest';
import vectors from '../../src/model/vectors.json';
import { excess } from '../src/lab/planner/break-even.ts';
import { MODEL } from '../src/lab/planner/model.ts';
import { type Plan, planOf } from '../src/lab/planner/plan.ts';
import type { Question } from '../src/lab/planner/question.ts';

type Vector = Plan & { question: Question };
const VECTORS = vectors as unknown as Vector[];

/** Exponentials may differ in their last digits. */
const PRECISION = 1e-9;

function same(own: unknown, shared: unknown, at: string): void {
  if (typeof own === 'number' && typeof shared === 'number') {
    const size = Math.max(Math.abs(own), Math.abs(shared));
    expect(Math.abs(own - shared), `${at}: ${own} is not ${shared}`).toBeLessThanOrEqual(PRECISION * size);
  } else if (typeof own === 'object' && own !== null && typeof shared === 'object' && shared !== null) {
    expect(Object.keys(own).sort(), at).toEqual(Object.keys(shared).sort());
    for (const [name, value] of Object.entries(own)) {
      same(value, (shared as Record<string, unknown>)[name], `${at}/${name}`);
    }
  } else {
    expect(own, at).toEqual(shared);
  }
}

describe('the planner', () => {
  it('has questions to answer', () => {
    expect(VECTORS.length).toBeGreaterThan(10);
  });

  it.each(VECTORS.map((vector, number) => [number, vector] as const))(
    'answers question %i as the server does',
    (number, { question, ...shared }) => {
      same(planOf(MODEL, question), shared, `question ${number}`);
    },
  );

  it('finds the delay at which both cost the same', () => {
    const question = VECTORS[0]!.question;
    const [range] = planOf(MODEL, question).break_even.max_delay_s.cpu;
    const at = (max_delay_s: number) => excess(MODEL, { ...question, max_delay_s }, 'cpu');
    expect(at(range!.from! * 1.001)).toBeLessThan(0);
    expect(at(range!.from! * 0.999)).toBeGreaterThan(0);
  });
});
