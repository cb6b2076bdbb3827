// What the pages point to exists.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'charts/local-model-operator/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path)),
];

const withoutBlocks = (page: string) => readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');

interface Link {
  page: string;
  /** As it is written. */
  target: string;
  /** Relative to the root. */
  path: string;
  /** After `#`; empty where there is none. */
  heading: string;
}

/** Links to what is ours. */
function localLinks(page: string): Link[] {
  const text = withoutBlocks(page).replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', heading = ''] = target.split('#', 2);
      return { page, target, path: file ? join(dirname(page), file) : page, heading };
    });
}

/** Names of headings, as GitHub makes them. */
const headingsOf = (page: string): string[] =>
  [...withoutBlocks(page).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );

const told = ({ page, target }: Link) => `${page}: ${target}`;

describe('docs', () => {
  const links = pages.flatMap(localLinks);

  it('link to files that exist', () => {
    expect(links.length).toBeGreaterThan(100);
    expect(links.filter(({ path }) => !existsSync(join(root, path))).map(told)).toEqual([]);
  });

  it('link to headings that exist', () => {
    const toHeadings = links.filter(({ path, heading }) => heading && path.endsWith('.md'));
    expect(toHeadings.length).toBeGreaterThan(10);
    expect(toHeadings.filter(({ path, heading }) => !headingsOf(path).includes(heading)).map(told)).toEqual([]);
  });

  it('walk through files that exist', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((path) => `/${path}`);
    const named = [...withoutBlocks('docs/architecture.md').matchAll(/`([\w/]+\.ts)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !files.some((path) => `/src${path}`.endsWith(`/${name}`)))).toEqual([]);
  });

  it('name tests that exist where they say what is shown by which', () => {
    const text = readFileSync(join(root, 'docs/failures.md'), 'utf8');
    const named = [...text.matchAll(/`((?:unit|property|fault|integration|golden|runtime)\/[^`]+\.test\.ts)`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((path) => !existsSync(join(root, 'test', path)))).toEqual([]);
  });
});
