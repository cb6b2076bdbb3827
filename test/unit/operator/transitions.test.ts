import { describe, expect, test } from 'vitest';
import type { Status } from '../../../src/api/schema.ts';
import { eventsBetween } from '../../../src/operator/transitions.ts';
import { at } from './observation.ts';

type Face = Record<string, string>;

/** `{ Ready: 'False NotPlaced' }` as a status. */
const status = (face: Face): Status => ({
  conditions: Object.entries(face).map(([type, text]) => {
    const [value = '', reason = ''] = text.split(' ');
    return { type, status: value as 'True', reason, message: `${type} because ${reason}`, lastTransitionTime: at(0) };
  }),
});
const told = (before: Face | undefined, after: Face) =>
  eventsBetween(before && status(before), status(after)).map(({ type, reason }) => `${type} ${reason}`);

describe('events', () => {
  test('one when it begins to serve, none while it does', () => {
    expect(told(undefined, { Ready: 'True Serving' })).toEqual(['Normal Serving']);
    expect(told({ Ready: 'False Loading' }, { Ready: 'True Serving' })).toEqual(['Normal Serving']);
    expect(told({ Ready: 'True Serving' }, { Ready: 'True Serving' })).toEqual([]);
  });

  test.each(['Progressing', 'Pulling', 'Loading', 'Degraded', 'Paused', 'Waiting'])(
    'none for a step on the way: %s',
    (reason) => {
      expect(told({ Ready: 'True Serving' }, { Ready: `False ${reason}` })).toEqual([]);
    },
  );

  test('one warning per problem, by the condition that knows it best', () => {
    expect(told({}, { Ready: 'False CrashLoopBackOff' })).toEqual(['Warning CrashLoopBackOff']);
    expect(told({}, { Ready: 'False NotPlaced', Placed: 'False NothingFits' })).toEqual(['Warning NothingFits']);
    expect(told({}, { Ready: 'False PullFailed', Pulled: 'False NotFound' })).toEqual(['Warning NotFound']);
    expect(told({}, { Ready: 'False PullFailed', Pulled: 'False PullFailed' })).toEqual(['Warning PullFailed']);
    expect(told({}, { Ready: 'False NameConflict', Accepted: 'False NameConflict' })).toEqual(['Warning NameConflict']);
    expect(told({}, { Ready: 'False Unschedulable', Placed: 'False Unschedulable' })).toEqual([
      'Warning Unschedulable',
    ]);
  });

  test('another reason is another event, the same reason with other words is none', () => {
    expect(told({ Pulled: 'False Unreachable' }, { Pulled: 'False NotFound' })).toEqual(['Warning NotFound']);
    expect(told({ Pulled: 'False NotFound' }, { Pulled: 'False NotFound' })).toEqual([]);
  });

  test('a fallback is worth a warning, the preferred rung is not', () => {
    expect(told({}, { Placed: 'True FellBack' })).toEqual(['Warning FellBack']);
    expect(told({}, { Placed: 'True Preferred' })).toEqual([]);
  });

  test('an event says who acted and has the words of the condition', () => {
    expect(eventsBetween(undefined, status({ Placed: 'False NothingFits' }))).toEqual([
      { type: 'Warning', reason: 'NothingFits', action: 'Placing', note: 'Placed because NothingFits' },
    ]);
  });
});
