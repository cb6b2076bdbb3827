import { describe, expect, test } from 'vitest';
import { explain, nodesInWords, refusalInWords, verdictOf } from '../../demo/explain.ts';
import { deployment, says } from './deployment.ts';

const serving = says('Ready', 'True', 'Serving', '1 of 1 replicas answer with the declared model');
const endpoint = 'http://phi.demo.svc:8080';
const npu = { class: 'NPU', vendor: 'intel', reason: 'NoBackend', message: 'Ollama has no NPU backend' } as const;

describe('verdict', () => {
  test('of what nobody has looked at: working', () => {
    expect(verdictOf(deployment())).toBe('working');
  });

  test('of a status that speaks of an older spec: working', () => {
    expect(verdictOf(deployment({ generation: 2, conditions: [serving] }))).toBe('working');
  });

  test.each(['Progressing', 'Pulling', 'Loading', 'NotReady', 'Degraded'])('of %s: working', (reason) => {
    expect(verdictOf(deployment({ conditions: [says('Ready', 'False', reason)] }))).toBe('working');
  });

  test.each(['Unschedulable', 'ImagePullBackOff', 'FailedCreate'])('of %s: waiting', (reason) => {
    expect(verdictOf(deployment({ conditions: [says('Ready', 'False', reason)] }))).toBe('waiting');
  });

  test('of what is stalled: refused', () => {
    const conditions = [says('Ready', 'False', 'NotPlaced'), says('Stalled', 'True', 'NothingFits')];
    expect(verdictOf(deployment({ conditions }))).toBe('refused');
  });
});

describe('explanation', () => {
  test('says where it runs and where it answers', () => {
    const status = { hardware: { class: 'GPU', vendor: 'nvidia' }, endpoint, readyReplicas: 1 } as const;
    expect(explain(deployment({ conditions: [serving], status })).sentences).toEqual([
      `Ready on GPU nvidia: ${endpoint}`,
    ]);
  });

  test('says what was passed over and why', () => {
    const status = { hardware: { class: 'CPU' as const, rejected: [npu] }, endpoint, readyReplicas: 3 };
    expect(explain(deployment({ conditions: [serving], status })).sentences).toEqual([
      `Ready on CPU, 3 replicas: ${endpoint}`,
      'Passed over: NPU intel. Ollama has no NPU backend.',
    ]);
  });

  test('says that nothing is meant to run', () => {
    const conditions = [says('Ready', 'True', 'ScaledToZero', 'no replica is wanted, and none is missing')];
    const { verdict, sentences } = explain(deployment({ conditions, status: { hardware: { class: 'CPU' } } }));
    expect(verdict).toBe('parked');
    expect(sentences[0]).toBe('Ready with nothing to run: no replica is wanted, and none is missing.');
  });

  test('says what is missing, without what preemption came to', () => {
    const message = '0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: none';
    const { verdict, sentences } = explain(
      deployment({ conditions: [says('Ready', 'False', 'Unschedulable', message)] }),
    );
    expect(verdict).toBe('waiting');
    expect(sentences[0]).toBe('Not ready (Unschedulable): 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.');
  });

  test('says why it is refused, in the words of Stalled', () => {
    const conditions = [says('Ready', 'False', 'NotPlaced'), says('Stalled', 'True', 'NothingFits', 'add a fallback')];
    expect(explain(deployment({ conditions })).sentences).toEqual(['Refused (NothingFits): add a fallback.']);
  });

  test('says how far it is', () => {
    expect(explain(deployment()).sentences).toEqual(['On its way (not looked at yet).']);
    const conditions = [says('Ready', 'False', 'Pulling', '0 of 1 pods have the model')];
    expect(explain(deployment({ conditions })).sentences).toEqual([
      'On its way (Pulling): 0 of 1 pods have the model.',
    ]);
  });
});

describe('refusal', () => {
  test('has a line per mistake, without what the API server puts around our words', () => {
    const causes = [
      { field: 'spec.ollama', message: 'Invalid value: remove it' },
      { field: 'spec.api.port', message: 'Invalid value: "integer": choose another' },
    ];
    expect(refusalInWords({ message: 'all of it', details: { causes } })).toEqual([
      'spec.ollama: remove it',
      'spec.api.port: choose another',
    ]);
  });

  test('without causes is the message', () => {
    expect(refusalInWords({ message: 'no' })).toEqual(['no']);
  });
});

test('nodes are named with the devices that they offer', () => {
  const node = (name: string, allocatable: Record<string, string>) => ({ metadata: { name }, status: { allocatable } });
  expect(nodesInWords([node('a', { cpu: '4' }), node('b', { cpu: '4', 'nvidia.com/gpu': '2' })])).toBe(
    'a and b (2 nvidia.com/gpu)',
  );
});
