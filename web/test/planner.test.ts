// The planner's question, its parameters in the address, and requests for plans.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clampToField, FIELDS, toQuery, parseQuestion, withQuestion } from '../src/lab/planner/fields.ts';
import { TrafficMeter } from '../src/lab/planner/observed-traffic.ts';
import { type Dimension, findCrossings, parsePlan, type Plan } from '../src/lab/planner/plan.ts';
import { PlanRequests } from '../src/lab/planner/requests.ts';
import { formatDuration } from '../src/views/planner/format.ts';
import {
  describeAnswer,
  describeConsequences,
  describeExtrapolation,
  describeOrigin,
  describeStep,
} from '../src/views/planner/sentences.ts';
import { fakeFetch, json, limited, networkDown, problem } from './support.ts';

const NOTHING = { cpu: [], 'wire-bytes': [], comparable: true };
const PLAN = {
  model: { idle_s: 75 },
  question: { clients: 1, rate: 1, max_delay_s: 1 },
  transports: { poll: {}, 'long-poll': {}, stream: {} },
  break_even: { max_delay_s: NOTHING, rate: NOTHING, clients: NOTHING },
  beyond: [],
  curves: [],
  stacks: [],
};

describe('the question', () => {
  it('is sent in the units of the route', () => {
    const first = parseQuestion('').question;
    const values = { ...first.values, round_trip: 80, utilization: 50, clients: 10.4 };
    expect(toQuery(first)).not.toHaveProperty('stack');
    expect(toQuery({ values, spacing: 'regular', stack: 'express' })).toMatchObject({
      stack: 'express',
      clients: 10,
      round_trip: 0.08,
      utilization: 0.5,
      spacing: 'regular',
      max_delay: 2,
    });
  });

  it('is kept in the address without defaults, and parsed from it', () => {
    const first = parseQuestion('').question;
    expect(withQuestion('http://a/?room=tea', first)).toBe('http://a/?room=tea');
    const asked = {
      values: { ...first.values, clients: 50_000, max_delay: 0.5 },
      spacing: 'regular',
      stack: 'express',
    } as const;
    const address = withQuestion('http://a/?room=tea', asked);
    expect(new URL(address).searchParams.get('plan-max-delay')).toBe('0.5');
    expect(parseQuestion(new URL(address).search)).toEqual({ question: asked, invalid: [] });
  });

  it.each([
    ['plan-clients', 'none'],
    ['plan-rate', '-1'],
    ['plan-max-delay', ''],
    ['plan-spacing', 'odd'],
  ])('reports and ignores the invalid “%s=%s”', (name, value) => {
    const { question, invalid } = parseQuestion(`?${name}=${value}`);
    expect(question).toEqual(parseQuestion('').question);
    expect(invalid).toMatchObject([{ name, value }]);
  });

  it('is filled in within the ranges of its fields', () => {
    expect(clampToField('size', 16_384)).toBe(FIELDS.size.max);
    expect(clampToField('rate', 0)).toBe(FIELDS.rate.min);
    expect(clampToField('size', 200)).toBe(200);
  });
});

describe('a duration', () => {
  it.each([
    [10_800, '180 min'],
    [86_400, '1,440 min'],
    [0.9996, '1 s'],
    [0.99949, '999 ms'],
    [599.6, '10 min'],
    [0.05, '50 ms'],
  ])('of %d s is “%s”', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('the sentences', () => {
  it('name the interval of the table', () => {
    const one = {
      interval_s: 10_799.9,
      servers: 1,
      cores: 1,
      wire_bytes_in_per_s: 1,
      wire_bytes_out_per_s: 1,
    };
    const transports = { poll: one, 'long-poll': one, stream: one };
    expect(describeAnswer({ ...PLAN, transports } as unknown as Plan)).toContain(
      'polling every 180 min takes about the same CPU and wire bytes as SSE.',
    );
  });

  it('agree with their numbers', () => {
    const beyond = (what: Dimension) =>
      describeExtrapolation({ what, asked: 1, least: 2, most: 3 }).replace(/ \(.*/, '');
    const start = 'Beyond what was measured:';
    expect(beyond('clients-per-server')).toBe(`${start} 1 client on one server`);
    expect(beyond('size')).toBe(`${start} 1 byte a message`);
    const light = describeExtrapolation({ what: 'load', asked: 0.04, least: 0.07, most: 1 });
    expect(light).toMatch(/polls keep 4 % of each core busy\. At 7 % or less/);
    expect(beyond('interval')).toBe(`${start} 1 second between polls`);
  });

  const plan = (servers: number | null) => {
    const estimate = { requests_per_s: 0, connects_per_s: 0, limit: 'delay', dominant: 'messages' };
    const poll = { ...estimate, interval_s: null, servers: null };
    const transports = { poll, 'long-poll': poll, stream: { ...poll, servers } };
    return { ...PLAN, question: { ...PLAN.question, max_delay_s: 0.05 }, transports } as unknown as Plan;
  };

  it('recommend SSE only if it can meet the delay', () => {
    expect(describeAnswer(plan(1))).toBe('No polling interval is short enough for 50 ms: this takes SSE.');
    expect(describeAnswer(plan(null))).toBe(
      'No polling interval is short enough for 50 ms, and SSE does not suffice either.',
    );
  });

  it('compare nothing with an impossible transport', () => {
    const one = { ...plan(1).transports.stream, interval_s: 1, requests_per_s: 1, empty_per_s: 0 };
    const none = { ...one, servers: null };
    const never = { ...NOTHING, comparable: false };
    const break_even = { max_delay_s: never, rate: never, clients: never };
    const impossible = { poll: none, 'long-poll': none, stream: none };
    const both = { ...PLAN, transports: impossible, break_even } as unknown as Plan;
    expect(describeAnswer(both)).toBe('No number of such servers is enough for polling or SSE.');
    expect(describeConsequences(both).slice(1)).toEqual([
      'Polling and SSE are not both possible, whatever delay is acceptable.',
    ]);
    const sseOnly = { ...PLAN, transports: { ...impossible, stream: one } } as unknown as Plan;
    expect(describeAnswer(sseOnly)).toBe('No number of such servers is enough for polling.');
  });

  it('say nothing of polling’s servers without an interval', () => {
    const [servers] = describeConsequences(plan(null));
    expect(servers).toBe('SSE: no number of such servers is enough (delay).');
  });
});

describe('the step at the delay from which each poll opens a connection', () => {
  const withCores = (poll: (number | null)[], round_trip_s = 0) => {
    const curve = { over: 'max_delay_s', at: [70, 74, 78, 82], cores: { poll } };
    return {
      ...PLAN,
      question: { ...PLAN.question, round_trip_s },
      curves: [curve],
    } as unknown as Plan;
  };

  it('is named if it is easy to see', () => {
    expect(describeStep(withCores([1, 0.95, 1.3, 1.2]))).toMatch(
      'The step at 75 s of delay: the server closes connections that are idle for 75 s,',
    );
    expect(describeStep(withCores([1, 0.95, 1.0, 0.95]))).toBeNull();
  });

  it('is at a longer delay if messages are on their way for longer', () => {
    const plan = withCores([1, 0.95, 0.9, 1.2], 10);
    expect(describeStep(plan)).toMatch(
      'The step at 80 s of delay: the server closes connections that are idle for 75 s,',
    );
  });

  it('is not named if polls cannot be that far apart, or nothing closes connections', () => {
    expect(describeStep(withCores([1, null, 2, 2]))).toBeNull();
    expect(describeStep(withCores([1, 0.95, 2, 2], 1_000))).toBeNull();
    const plan = withCores([1, 1, 2, 2]);
    expect(describeStep({ ...plan, model: { ...plan.model, idle_s: null } })).toBeNull();
  });
});

it('names the errors of the model as exactly as they are known', () => {
  const errors = { cpu_worst: 0.13294, bytes_worst: 0.0039199 };
  const origin = { version: '1', measured_at: '2026-12-01T14:23:06Z', cpu: 'a CPU', idle_s: 75, errors };
  expect(describeOrigin(origin)).toContain('off by up to 13.3 % of CPU and 0.392 % of bytes.');
});

describe('a plan', () => {
  it('is rejected if it is invalid', () => {
    expect(parsePlan(PLAN)).toBe(PLAN);
    for (const wrong of [null, [], {}, { ...PLAN, transports: { poll: {} } }, { ...PLAN, curves: null }])
      expect(() => parsePlan(wrong)).toThrow();
  });

  it('has only crossings within its curve', () => {
    const cpu = [
      { from: 0.5, to: 20 },
      { from: 900, to: null },
    ];
    const plan = {
      ...PLAN,
      break_even: { ...PLAN.break_even, rate: { ...NOTHING, cpu } },
    } as unknown as Plan;
    const curve = {
      over: 'rate',
      at: [1, 10, 100],
      cores: { poll: [], 'long-poll': [], stream: [] },
    } as const;
    expect(findCrossings(plan, curve)).toEqual([20]);
  });
});

describe('requests', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are repeated after a failure that may end, and not after another', async () => {
    const { fetch, calls } = fakeFetch(
      networkDown,
      () => limited(503, 3),
      () => json(200, PLAN),
    );
    const failures: (string | null)[] = [];
    const answer = vi.fn();
    const requests = new PlanRequests(
      { answer, failed: (_question, problem) => void failures.push(problem?.detail ?? null) },
      fetch,
    );
    requests.request(parseQuestion('').question);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(failures).toEqual([null, 'Too many requests.']);
    expect(answer).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(answer).toHaveBeenCalledOnce();
    expect(calls).toHaveLength(3);

    const refused = fakeFetch(() => problem(400, 'no such stack'));
    new PlanRequests({ answer, failed: () => {} }, refused.fetch).request(parseQuestion('').question);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(refused.calls).toHaveLength(1);
  });

  it('are debounced, and only the last response counts', async () => {
    const answers: ((response: Response) => void)[] = [];
    const asked: string[] = [];
    const get = (address: RequestInfo | URL) => {
      asked.push(String(address));
      return new Promise<Response>((resolve) => answers.push(resolve));
    };
    const shown: number[] = [];
    const failed = vi.fn();
    const requests = new PlanRequests(
      { answer: ({ values }) => void shown.push(values.clients), failed },
      get as typeof fetch,
    );
    const of = (clients: number) => {
      const first = parseQuestion('').question;
      return { ...first, values: { ...first.values, clients } };
    };
    requests.request(of(1));
    requests.request(of(2));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(1);
    requests.request(of(3));
    await vi.advanceTimersByTimeAsync(1_000);
    const whole = () => new Response(JSON.stringify(PLAN));
    answers[1]?.(whole());
    await vi.advanceTimersByTimeAsync(0);
    answers[0]?.(whole());
    await vi.advanceTimersByTimeAsync(0);
    expect(shown).toEqual([3]);
    expect(failed).not.toHaveBeenCalled();
  });

  it('pass on the detail and the field of a refusal', async () => {
    const failed = vi.fn();
    const problem = { detail: '`stack` must be one of', field: 'stack' };
    const response = new Response(JSON.stringify(problem), { status: 400 });
    const { question } = parseQuestion('?plan-stack=cobol');
    new PlanRequests({ answer: vi.fn(), failed }, (async () => response) as typeof fetch).request(question);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(failed).toHaveBeenCalledExactlyOnceWith(question, problem);
  });
});

describe('the traffic of a lane', () => {
  it('is a rate and a size over the last minute', () => {
    const meter = new TrafficMeter(0);
    expect(meter.current(60_000)).toBeNull();
    for (let at_ms = 1_000; at_ms <= 120_000; at_ms += 1_000) meter.record('né', at_ms);
    expect(meter.current(120_000)).toEqual({ rate: 1, size_bytes: 3 });
    expect(meter.current(400_000)).toBeNull();
  });
});
