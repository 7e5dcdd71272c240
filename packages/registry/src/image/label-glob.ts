/** One DNS label of a host in which `*` stands for any run of characters, split at each `*`. */
export interface LabelGlob {
  readonly head: string;
  /** The texts between the wildcards, none of them empty. */
  readonly middles: readonly string[];
  readonly tail: string;
  readonly wildcards: number;
  /** Characters that are no `*`: a label that matches is at least as long. */
  readonly literalLength: number;
}

/** @param text a label in which no `*` follows another */
export function parseLabelGlob(text: string): LabelGlob {
  const [head = '', ...rest] = text.split('*');
  const wildcards = rest.length;
  return {
    head,
    middles: rest.slice(0, -1),
    tail: rest.at(-1) ?? '',
    wildcards,
    literalLength: text.length - wildcards,
  };
}

/** A glob never reaches beyond its DNS label, so `*.corp.io` is not `registry.corp.io.attacker.tld`. */
export function matchesLabel({ head, middles, tail, wildcards, literalLength }: LabelGlob, label: string): boolean {
  if (wildcards === 0) return label === head;
  if (label.length < literalLength || !label.startsWith(head) || !label.endsWith(tail)) return false;
  const end = label.length - tail.length;
  let from = head.length;
  for (const middle of middles) {
    const found = label.indexOf(middle, from);
    if (found < 0 || found + middle.length > end) return false;
    from = found + middle.length;
  }
  return true;
}
