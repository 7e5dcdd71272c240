/**
 * Rules for `no-restricted-syntax` that find codes that are not in PascalCase. They check the codes of errors and of
 * problems. The name of a type of codes ends with `Code`. The `code` of an error class, and the parameter of
 * `CodedError`, is a literal or a type with such a name.
 */
const message = 'Write codes in PascalCase (AddressRefused), and their union as a type named …Code.';

const OTHER_SPELLING = 'Literal:not([value=/^(?:[A-Z][a-z0-9]+)+$/])';
const CODE_OF_CLASS = "ClassDeclaration[superClass.name=/Error$/] PropertyDefinition[key.name='code']";

const PARAMETER = "ClassDeclaration[superClass.name='CodedError'] > TSTypeParameterInstantiation";

export const errorCodes = [
  { selector: `TSTypeAliasDeclaration[id.name=/Code$/] TSLiteralType > ${OTHER_SPELLING}`, message },
  { selector: `${CODE_OF_CLASS} > ${OTHER_SPELLING}`, message },
  { selector: `${PARAMETER} > TSLiteralType > ${OTHER_SPELLING}`, message },
  { selector: `${PARAMETER} > :not(TSLiteralType, TSTypeReference[typeName.name=/Code$/])`, message },
  { selector: `${CODE_OF_CLASS} > TSTypeAnnotation > TSUnionType`, message },
  { selector: `${CODE_OF_CLASS} > TSTypeAnnotation > TSStringKeyword`, message },
  { selector: `${CODE_OF_CLASS} > TSTypeAnnotation > TSLiteralType`, message },
  { selector: `${CODE_OF_CLASS} > TSTypeAnnotation > TSTypeReference[typeName.name!=/Code$/]`, message },
];
