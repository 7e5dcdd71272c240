/** Prints a line of progress while tools are found, built or installed. */
export type Log = (line: string) => void;

/** Progress of a Go build, parsed from its standard error. */
export class BuildProgress {
  #downloaded = 0;
  #compiled = 0;
  #total = 0;

  /** Sets the number of packages of the build. It includes cached packages, for which Go prints no line. */
  setTotal(packages: number): void {
    this.#total = packages;
  }

  /** Parses one line of `go list` or `go build -v`. */
  line(text: string): void {
    if (text.startsWith('go: downloading ')) this.#downloaded += 1;
    // `go build -v` prints each package that it compiles; no other line looks like a bare import path.
    else if (/^[\w.~-]+(\/[\w.~-]+)*$/.test(text)) this.#compiled += 1;
  }

  /** Returns one line of progress. */
  describe(seconds: number): string {
    const modules = this.#downloaded === 0 ? '' : `, ${this.#downloaded} modules downloaded`;
    const what =
      this.#total === 0
        ? 'finding its modules'
        : `compiled ${format(this.#compiled)} of at most ${format(this.#total)} packages`;
    return `building the control plane: ${what}${modules} (${duration(seconds)})`;
  }
}

function format(count: number): string {
  return count.toLocaleString('en-US');
}

/** Formats seconds: `45 s`, `3 min 20 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
