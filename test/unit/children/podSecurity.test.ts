import { expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { modelPod } from '../../../src/children/modelPod.ts';
import { podSecurity } from '../../../src/children/podSecurity.ts';
import { restrictedViolations } from '../../property/restricted.ts';
import { podInput } from './input.ts';

type SecurityContext = NonNullable<NonNullable<Spec['pod']>['securityContext']>;
const securityOf = (securityContext: SecurityContext) => podSecurity(podInput({ pod: { securityContext } }));

test('ids are fixed unless the platform is to choose them', () => {
  expect(securityOf({})).toMatchObject({ runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 });
  const platform = securityOf({ ids: 'Platform' });
  expect(platform).not.toHaveProperty('runAsUser');
  expect(platform).not.toHaveProperty('runAsGroup');
  expect(platform).not.toHaveProperty('fsGroup');
  expect(platform).toMatchObject({ runAsNonRoot: true });
});

test('single ids are replaced without losing the others', () => {
  expect(securityOf({ runAsUser: 1000 })).toMatchObject({ runAsUser: 1000, runAsGroup: 65532, fsGroup: 65532 });
});

test('groups of the rung and of the pod add up, each once', () => {
  const input = podInput({
    hardware: { preferred: { class: 'CPU', supplementalGroups: [44, 992] } },
    pod: { securityContext: { supplementalGroups: [992, 7] } },
  });
  expect(podSecurity(input)).toMatchObject({ supplementalGroups: [44, 992, 7] });
  expect(podSecurity(podInput())).not.toHaveProperty('supplementalGroups');
});

test('a claim is not walked at every start, unless the user wants it', () => {
  expect(securityOf({})).toMatchObject({ fsGroupChangePolicy: 'OnRootMismatch' });
  expect(securityOf({ fsGroupChangePolicy: 'Always' })).toMatchObject({ fsGroupChangePolicy: 'Always' });
});

test('only SELinux options that the user asks for can leave restricted Pod Security, and by name', () => {
  const violations = (type: string) =>
    restrictedViolations(modelPod(podInput({ pod: { securityContext: { seLinuxOptions: { type } } } })));
  expect(violations('container_t')).toEqual([]);
  expect(violations('spc_t')).toEqual(['seLinuxOptions.type']);
});
