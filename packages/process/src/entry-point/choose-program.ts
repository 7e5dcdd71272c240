/** The programs of the image. The first argument of the image is one of these words. */
export const PROGRAMS = ['webhook', 'operator', 'lifecycle'] as const;
export type Program = (typeof PROGRAMS)[number];

/** What the arguments of the image ask for. */
export type Choice =
  | { readonly kind: 'program'; readonly program: Program }
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'invalid'; readonly message: string };

const WORDS = PROGRAMS.join(', ');
const HELP = `Usage: archpolicy PROGRAM [ARGUMENT…]

Programs: ${WORDS}. Each lists its arguments and environment variables with --help.

Options:
  --help, -h  show this text
  --version   show the version and the commit of the build
`;

/** Chooses the program. `words` are the arguments of the image; those after the first are for the program. */
export function chooseProgram([word]: readonly string[]): Choice {
  if (word === '--version') return { kind: 'version' };
  if (word === '--help' || word === '-h') return { kind: 'help', text: HELP };
  const program = PROGRAMS.find((one) => one === word);
  if (program !== undefined) return { kind: 'program', program };
  const problem = word === undefined ? 'no program is named' : `there is no program ${JSON.stringify(word)}`;
  return { kind: 'invalid', message: `archpolicy: ${problem}: the first argument is one of ${WORDS}\n` };
}
