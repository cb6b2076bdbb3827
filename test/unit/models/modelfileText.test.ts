import { describe, expect, it, test } from 'vitest';
import { parseModelfile } from '../../../src/models/modelfileText.ts';

describe('parseModelfile', () => {
  it('reads what a Modelfile says', () => {
    const text = `# mine
FROM phi4-mini:3.8b
parameter temperature 0.2
PARAMETER stop "<|end|>"
PARAMETER stop   two words
SYSTEM """You are
"helpful"."""
TEMPLATE "{{ .Prompt }}"

MESSAGE user Hi there
MESSAGE assistant """Hello
you"""
ADAPTER ./lora.gguf
LICENSE MIT
RENDERER phi
`;
    expect(parseModelfile(text)).toEqual({
      from: 'phi4-mini:3.8b',
      system: 'You are\n"helpful".',
      template: '{{ .Prompt }}',
      parameters: [
        { name: 'temperature', value: '0.2' },
        { name: 'stop', value: '<|end|>' },
        { name: 'stop', value: 'two words' },
      ],
      messages: [
        { role: 'user', content: 'Hi there' },
        { role: 'assistant', content: 'Hello\nyou' },
      ],
      adapters: ['./lora.gguf'],
      licenses: ['MIT'],
      others: [{ instruction: 'RENDERER', value: 'phi' }],
    });
  });

  it('keeps the spaces inside quotes', () => {
    expect(parseModelfile('FROM a\nPARAMETER stop " x "\nMESSAGE user "  y"')).toMatchObject({
      parameters: [{ name: 'stop', value: ' x ' }],
      messages: [{ role: 'user', content: '  y' }],
    });
  });

  it('takes other line ends, a byte order mark and indentation', () => {
    expect(parseModelfile('\ufeff  FROM a\r\n\tSYSTEM "b\r\nc"\r\n')).toMatchObject({ from: 'a', system: 'b\nc' });
  });

  it('lets the last of several win, as Ollama does', () => {
    expect(parseModelfile('FROM a\nFROM b\nSYSTEM x\nSYSTEM y')).toMatchObject({ from: 'b', system: 'y' });
  });

  test.each<[string, number, RegExp]>([
    ['FROM a\nFILE ./facts.txt', 2, /FILE is not an instruction: .*retrieval/],
    ['FROM a\nPARAMETER context_length 4096', 2, /context_length is not a parameter of Ollama; it is num_ctx/],
    ['FROM a\nPARAMETER seed', 2, /seed has no value/],
    ['FROM a\nCOPY x', 2, /COPY is not an instruction: there are FROM, PARAMETER/],
    ['FROM a\nMESSAGE robot hi', 2, /system, user or assistant, not of robot/],
    ['FROM a\nSYSTEM """never\nends', 2, /never closed/],
    ['SYSTEM x', 1, /no FROM/],
    ['FROM ', 1, /FROM names no model/],
    ['', 1, /no FROM/],
  ])('says what is wrong with %j', (text, line, message) => {
    const result = parseModelfile(text);
    expect(result).toMatchObject({ problems: [{ line, message: expect.stringMatching(message) }] });
  });

  it('names everything at once', () => {
    expect(parseModelfile('FILE a\nPARAMETER x 1')).toMatchObject({
      problems: [{ line: 1 }, { line: 2 }, { line: 1 }],
    });
  });
});
