/**
 * The entry point of the image: its first argument names the program. It loads nothing else before the program, because
 * the operator sets flags of V8 before its heap grows (adr/0022).
 */
import { VERSION } from '../names.ts';
import { chooseProgram } from './choose-program.ts';

const choice = chooseProgram(process.argv.slice(2));
switch (choice.kind) {
  case 'program':
    // The program gets the arguments after its name. Its bundle is beside this one in the image.
    process.argv.splice(2, 1);
    await import(new URL(`${choice.program}.mjs`, import.meta.url).href);
    break;
  case 'version':
    process.stdout.write(`archpolicy ${VERSION} (commit ${process.env['ARCHPOLICY_COMMIT'] ?? 'unknown'})\n`);
    break;
  case 'help':
    process.stdout.write(choice.text);
    break;
  case 'invalid':
    process.stderr.write(choice.message);
    process.exitCode = 2;
}
