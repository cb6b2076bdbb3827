import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createScreen, wrap } from '../../demo/screen.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { deployment, says } from './deployment.ts';

function screenOn(terminal?: { columns: number }) {
  const written: string[] = [];
  const output = { write: (text: string) => written.push(text), ...(terminal && { isTTY: true, ...terminal }) };
  const screen = createScreen({ output, clock: createVirtualClock(), readingMs: 0, color: false });
  return { screen, text: () => written.join('') };
}

const serving = deployment({ conditions: [says('Ready', 'True', 'Serving')] });
const command = () => 'kubectl get lmd';

test('wrapping breaks between words, and leaves a word that is too long alone', () => {
  expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
  expect(wrap('a verylongword b', 5)).toEqual(['a', 'verylongword', 'b']);
});

test('sentences stand beside the name that they are about', () => {
  const { screen, text } = screenOn({ columns: 30 });
  screen.entry('phi', 5, ['Ready on CPU and more words.']);
  expect(text()).toBe('  phi    Ready on CPU and more\n         words.\n');
});

test('output of commands is cut on a terminal and whole elsewhere', () => {
  const [narrow, none] = [screenOn({ columns: 12 }), screenOn()];
  for (const { screen } of [narrow, none]) screen.output('0123456789abcdef\n');
  expect(narrow.text()).toBe('  012345678…\n');
  expect(none.text()).toBe('  0123456789abcdef\n');
});

describe('live table', () => {
  test('without a terminal has one line per change, and none for what only grew older', () => {
    const { screen, text } = screenOn();
    const table = screen.table(command, [deployment()]);
    table.show(serving);
    table.show(serving);
    table.end();
    expect(text().trimEnd().split('\n')).toHaveLength(3);
    expect(text()).toContain('True   Serving');
  });

  test('on a terminal is drawn over itself, and not any more once it has ended', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { screen, text } = screenOn({ columns: 100 });
    const table = screen.table(command, [deployment()]);
    table.show(serving);
    table.end();
    const drawn = text();
    expect(drawn.split('\u001b[2A')).toHaveLength(2);
    vi.advanceTimersByTime(10_000);
    expect(text()).toBe(drawn);
  });
});
