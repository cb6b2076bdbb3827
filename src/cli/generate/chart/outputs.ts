// The files of the chart that are made from src.
import { stringify } from 'yaml';
import { release } from '../../../process/release.ts';
import { ruleFile } from '../monitoring/alerts.ts';
import { dashboards } from '../monitoring/dashboards.ts';
import { dashboardModel } from '../monitoring/panels.ts';
import type { Output } from '../outputs.ts';
import { chartFile } from './chartFile.ts';
import { chartReadme } from './readme.ts';
import { crdTemplate, launchTemplate, rulesTemplate } from './templates.ts';
import { valuesSchema } from './values.ts';
import { valuesFile } from './valuesFile.ts';

const chartFolder = 'charts/local-model-operator';

const templateNotice = (notice: string): string => `{{- /* ${notice} */ -}}\n`;

/** `notice` says of a file what it is made from. */
export function chartOutputs(notice: (source: string) => string): Output[] {
  const file = (path: string, render: () => string): Output => ({ path: `${chartFolder}/${path}`, render });
  const values = notice('src/cli/generate/chart/values.ts');
  return [
    file('Chart.yaml', () => `# ${notice('src/cli/generate/chart/chartFile.ts')}\n${chartFile(release)}`),
    file('values.yaml', () => `# ${values} Give what differs in a file of your own.\n\n${valuesFile()}`),
    file('values.schema.json', () => `${JSON.stringify({ $comment: values, ...valuesSchema() }, null, 2)}\n`),
    file('README.md', () => `<!-- ${values} -->\n\n${chartReadme()}`),
    file('templates/_rules.tpl', () => `${templateNotice(notice('src/operator/permissions.ts'))}${rulesTemplate()}`),
    file('templates/_launch.tpl', () => `${templateNotice(notice('src/cli/build/launch.ts'))}${launchTemplate()}`),
    file('alerts/alerts.yaml', () => {
      const header = `# ${notice('src/cli/generate/monitoring/alerts.ts')}\n`;
      return header + stringify(ruleFile(), { lineWidth: 0, blockQuote: 'literal' });
    }),
    ...Object.entries(dashboards).map(([name, dashboard]) =>
      file(`dashboards/${name}.json`, () => {
        const model = { __comment: notice('src/cli/generate/monitoring'), ...dashboardModel(dashboard) };
        return `${JSON.stringify(model, null, 2)}\n`;
      }),
    ),
    file('templates/crd.yaml', () => `${templateNotice(notice('src/api'))}${crdTemplate()}`),
  ];
}
