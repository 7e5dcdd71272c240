/** A scrape of `/metrics`. */
export interface Metrics {
  /** Returns the value of a series such as `archpolicy_leader` or `x_total{result="evicted"}`; NaN if it is missing. */
  readonly value: (series: string) => number;
  /** Returns the sum over all series of a metric with any labels; 0 without series. */
  readonly sum: (name: string) => number;
}

/** Scrapes the metrics of a process. @param url such as `http://127.0.0.1:9090/metrics` */
export async function scrape(url: string): Promise<Metrics> {
  return parseMetrics(await (await fetch(url)).text());
}

/** Parses the text format of Prometheus, such as `archpolicy_evictions_total{result="evicted"} 3`. */
export function parseMetrics(text: string): Metrics {
  const series = new Map(
    text.split('\n').flatMap((line) => {
      const space = line.lastIndexOf(' ');
      return line.startsWith('#') || space < 0 ? [] : [[line.slice(0, space), Number(line.slice(space + 1))] as const];
    }),
  );
  return {
    value: (name) => series.get(name) ?? Number.NaN,
    sum: (name) =>
      [...series].reduce((total, [key, value]) => (key.split('{', 1)[0] === name ? total + value : total), 0),
  };
}
