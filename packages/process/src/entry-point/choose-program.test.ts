import { describe, expect, test } from '@jest/globals';
import { chooseProgram, PROGRAMS } from './choose-program.ts';

describe('the first argument of the image', () => {
  test.each(PROGRAMS)('%s is a program, and the other arguments are left to it', (program) => {
    expect(chooseProgram([program])).toEqual({ kind: 'program', program });
    expect(chooseProgram([program, '--version'])).toEqual({ kind: 'program', program });
  });

  test('--version asks for the version', () => {
    expect(chooseProgram(['--version'])).toEqual({ kind: 'version' });
  });

  test.each(['--help', '-h'])('%s lists the programs', (option) => {
    const choice = chooseProgram([option]);
    expect(choice).toMatchObject({ kind: 'help' });
    for (const program of PROGRAMS) expect(choice).toMatchObject({ text: expect.stringContaining(program) });
  });

  test.each([
    [[], 'no program is named'],
    [[''], 'there is no program ""'],
    [['Webhook'], 'there is no program "Webhook"'],
    [['constructor'], 'there is no program "constructor"'],
    [['../main', 'webhook'], 'there is no program "../main"'],
    [['sh\n'], String.raw`there is no program "sh\n"`],
  ])('%j is invalid, and the one line lists the programs', (words, problem) => {
    const message = `archpolicy: ${problem}: the first argument is one of ${PROGRAMS.join(', ')}\n`;
    expect(chooseProgram(words)).toEqual({ kind: 'invalid', message });
  });
});
