// What users of the API did and may do, in the same words: `verb resource/subresource.group`.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Rule } from '../../src/operator/permissions.ts';

interface AuditEvent {
  user?: { username?: string };
  verb?: string;
  objectRef?: { apiGroup?: string; resource?: string; subresource?: string };
  responseStatus?: { code?: number; message?: string };
}

/** As the audit log has them. */
export interface Deeds {
  done: Set<string>;
  refused: Set<string>;
}

export const deedName = (verb: string, resource: string, group = ''): string =>
  `${verb} ${resource}${group ? `.${group}` : ''}`;

/** Reads an audit log of any length. */
export async function deedsOf(auditLog: string, accounts: readonly string[]): Promise<Deeds> {
  const deeds: Deeds = { done: new Set(), refused: new Set() };
  for await (const line of createInterface({ input: createReadStream(auditLog) })) {
    if (!accounts.some((account) => line.includes(account))) continue;
    const {
      user,
      verb = '',
      objectRef: { apiGroup, resource, subresource } = {},
      responseStatus: { code, message } = {},
    } = JSON.parse(line) as AuditEvent;
    if (!resource || !accounts.includes(user?.username ?? '')) continue;
    // Nobody may make anything in a namespace that is being deleted: that is no lack of rights.
    if (message?.includes('it is being terminated')) continue;
    const name = (which: string) => deedName(which, subresource ? `${resource}/${subresource}` : resource, apiGroup);
    (code === 403 ? deeds.refused : deeds.done).add(name(verb));
    // An apply that makes its object is noted as `patch`; the API server has asked for `create` too (handlers/patch.go).
    if (verb === 'patch' && code === 201) deeds.done.add(name('create'));
  }
  return deeds;
}

/** Everything that rules allow. */
export const allowed = (rules: readonly Pick<Rule, 'apiGroups' | 'resources' | 'verbs'>[]): string[] =>
  rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => deedName(verb, resource, group)))),
  );

/** What a service account was refused. */
export const refusals = async (auditLog: string, account: string): Promise<string[]> =>
  [...(await deedsOf(auditLog, [account])).refused].sort();
