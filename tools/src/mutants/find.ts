import ts from 'typescript';
import type { Mutant } from './mutant.ts';
import type { Change } from './operators.ts';
import { findChanges } from './operators.ts';

/** Returns all mutants of a source file, in the order of their positions. */
export function findMutants(file: string, text: string): readonly Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];
  const seen = new Map<string, number>();
  const visit = (node: ts.Node, within: string, isStatic: boolean): void => {
    if (isErased(node)) return;
    for (const { target, replacement } of findChanges(node).map(widenToOptionalChain)) {
      const start = target.getStart();
      const [from, to] = [onOneLine(target.getText()), onOneLine(replacement)];
      const key = [within, from, to].join('\n');
      const nth = (seen.get(key) ?? 0) + 1;
      seen.set(key, nth);
      const line = source.getLineAndCharacterOfPosition(start).line + 1;
      mutants.push({ file, within, from, to, nth, line, start, end: target.getEnd(), replacement, isStatic });
    }
    const name = functionName(node);
    const isCalled = ts.isFunctionLike(node);
    ts.forEachChild(node, (child) => {
      visit(child, name ?? within, isStatic && !isCalled);
    });
  };
  visit(source, '', true);
  return mutants;
}

/**
 * Extends a change inside an optional chain to the whole chain. `instrument` puts the changed part in parentheses. In
 * parentheses, an undefined part would no longer end the chain, so the source would behave differently without any
 * mutant.
 */
function widenToOptionalChain({ target, replacement }: Change): Change {
  let chain: Change['target'] = target;
  while (ts.isOptionalChain(chain) && ts.isOptionalChain(chain.parent) && chain.parent.expression === chain) {
    chain = chain.parent;
  }
  if (chain === target) return { target, replacement };
  const rest = chain.getText().slice(target.getEnd() - chain.getStart());
  return { target: chain, replacement: `${replacement}${rest}` };
}

/** Whether a node is a type or an import, which does not exist at run time. */
function isErased(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

function functionName(node: ts.Node): string | undefined {
  if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) return node.name?.getText();
  return undefined;
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}
