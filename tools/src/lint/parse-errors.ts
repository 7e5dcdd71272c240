/**
 * P5: the errors and warnings of parsers must not be passed on, because they quote the text, which may contain a
 * secret.
 */
const message =
  "A parser's error quotes the text, which may contain a secret: use parseJson or describeParseError of @archpolicy/core.";

const JSON_PARSE = "CallExpression[callee.object.name='JSON'][callee.property.name='parse']";

/** The rules for `no-restricted-syntax`. */
export const parseErrors = [
  { selector: `TryStatement:has(${JSON_PARSE}) > CatchClause[param]`, message },
  // `parse` also prints its warnings on stderr, and each warning quotes lines of the text.
  { selector: "ImportDeclaration[source.value='yaml'] > ImportSpecifier[imported.name=/^parse$/]", message },
];

/** The only file that may catch an error of a parser. */
export const parseErrorImplementation = ['packages/core/src/parsing/parse-json.ts'];
