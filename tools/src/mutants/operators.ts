import ts from 'typescript';

/** A node and its replacement. */
export interface Change {
  readonly target: ts.Expression | ts.ContinueStatement | ts.BreakStatement;
  readonly replacement: string;
}

/** Operators and their replacements, such as negated comparisons and bounds that are shifted by one. */
const OPERATORS: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [ts.SyntaxKind.LessThanToken, ['<=', '>=']],
  [ts.SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [ts.SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [ts.SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [ts.SyntaxKind.AmpersandAmpersandToken, ['||']],
  [ts.SyntaxKind.BarBarToken, ['&&']],
  [ts.SyntaxKind.PlusToken, ['-']],
  [ts.SyntaxKind.MinusToken, ['+']],
  [ts.SyntaxKind.AsteriskToken, ['/']],
  [ts.SyntaxKind.SlashToken, ['*']],
  [ts.SyntaxKind.PlusEqualsToken, ['-=']],
]);

/** Maps each method to the method that is called instead. With an empty text, the call is removed. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['every', 'some'],
  ['some', 'every'],
  ['min', 'max'],
  ['max', 'min'],
  ['floor', 'ceil'],
  ['ceil', 'floor'],
  ['filter', ''],
  ['slice', ''],
  ['sort', ''],
  ['toSorted', ''],
  ['toReversed', ''],
  ['trim', ''],
]);

/** Returns the possible changes of a node. */
export function findChanges(node: ts.Node): readonly Change[] {
  if (ts.isIfStatement(node)) return forced(node.expression);
  if (ts.isConditionalExpression(node)) return forced(node.condition);
  if (ts.isBinaryExpression(node)) return changedOperator(node);
  if (ts.isPrefixUnaryExpression(node)) return withoutNot(node);
  if (ts.isCallExpression(node)) return [...changedMethod(node), ...droppedCall(node)];
  if (ts.isNumericLiteral(node)) return [{ target: node, replacement: node.text === '0' ? '1' : `${node.text} + 1` }];
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [{ target: node as ts.TrueLiteral, replacement: 'false' }];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [{ target: node as ts.FalseLiteral, replacement: 'true' }];
  return ts.isContinueStatement(node) || ts.isBreakStatement(node) ? [{ target: node, replacement: ';' }] : [];
}

function forced(target: ts.Expression): readonly Change[] {
  return ['true', 'false'].map((replacement) => ({ target, replacement }));
}

function changedOperator(node: ts.BinaryExpression): readonly Change[] {
  const { left, operatorToken, right } = node;
  const [one, other] = [left.getText(), right.getText()];
  if (operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) {
    return [one, other].map((replacement) => ({ target: node, replacement }));
  }
  if (isAssigned(operatorToken.kind) && ts.isExpressionStatement(node.parent)) {
    return [
      { target: node, replacement: 'undefined' },
      ...(OPERATORS.get(operatorToken.kind) ?? []).map((operator) => ({
        target: node,
        replacement: `${one} ${operator} ${other}`,
      })),
    ];
  }
  if (operatorToken.kind === ts.SyntaxKind.PlusToken && (isText(left) || isText(right))) return [];
  return (OPERATORS.get(operatorToken.kind) ?? []).map((operator) => ({
    target: node,
    replacement: `(${one}) ${operator} (${other})`,
  }));
}

function isAssigned(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function isText(node: ts.Expression): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

function withoutNot(node: ts.PrefixUnaryExpression): readonly Change[] {
  if (node.operator !== ts.SyntaxKind.ExclamationToken) return [];
  return [{ target: node, replacement: node.operand.getText() }];
}

function changedMethod(node: ts.CallExpression): readonly Change[] {
  const called = node.expression;
  if (!ts.isPropertyAccessExpression(called) || called.questionDotToken !== undefined) return [];
  const other = METHODS.get(called.name.text);
  if (other === undefined) return [];
  const object = called.expression.getText();
  const given = node.arguments.map((argument) => argument.getText()).join(', ');
  return [{ target: node, replacement: other === '' ? object : `${object}.${other}(${given})` }];
}

/**
 * Returns the change that removes a call, if the call is a statement. The call has a side effect, because its result is
 * not used.
 */
function droppedCall(node: ts.CallExpression): readonly Change[] {
  return ts.isExpressionStatement(node.parent) ? [{ target: node, replacement: 'undefined' }] : [];
}
