// The reference page of conditions.
import { conditions } from '../../api/conditions.ts';
import { rejections } from '../../placement/rejections.ts';
import { code, page, table } from './markdown.ts';

const intro = `# Conditions

Every \`LocalModelDeployment\` says in \`status.conditions\` what holds and what does not. \`kubectl get lmd\` shows status and
reason of \`Ready\`; \`kubectl describe lmd NAME\` shows all of them with their messages, which name the field, the object or
the node in question.

\`observedGeneration\` says which generation of the spec was judged; \`lastTransitionTime\` moves only when \`status\` changes.
\`Reconciling\` and \`Stalled\` follow kstatus: they are there only while they are true, so that \`helm --wait\`, Flux and
\`kubectl wait\` judge right.`;

/** The page, as Markdown. */
export function conditionsReference(): string {
  const sections = Object.entries(conditions).map(([type, { meaning, reasons }]) =>
    page(
      `## ${type}`,
      `True: ${meaning}`,
      table(
        ['Reason', 'Meaning'],
        Object.entries(reasons).map(([reason, text]) => [code(reason), text]),
      ),
    ).trimEnd(),
  );
  const passedOver = page(
    '## Rungs that were passed over',
    'Each entry of `status.hardware.rejected` has one of these reasons, and a message with the cure; see [hardware](../hardware.md).',
    table(
      ['Reason', 'Meaning'],
      Object.entries(rejections).map(([reason, { because }]) => [code(reason), because]),
    ),
  ).trimEnd();
  return page(intro, ...sections, passedOver);
}
