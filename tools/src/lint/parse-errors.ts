/** P5: errors and warnings of parsers quote the text, which may contain a secret, so they must not be passed on. */
const message =
  "A parser's error quotes the text, which may contain a secret: use parseJson or describeParseError of @archpolicy/core.";

const JSON_PARSE = "CallExpression[callee.object.name='JSON'][callee.property.name='parse']";

/** For `no-restricted-syntax`. */
export const parseErrors = [
  { selector: `TryStatement:has(${JSON_PARSE}) > CatchClause[param]`, message },
  // `parse` also prints warnings on stderr, with the lines that they concern.
  { selector: "ImportDeclaration[source.value='yaml'] > ImportSpecifier[imported.name=/^parse$/]", message },
];

/** The one file that may read such an error. */
export const parseErrorImplementation = ['packages/core/src/parsing/parse-json.ts'];
