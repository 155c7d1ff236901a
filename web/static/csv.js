// CSV by RFC 4180, read as it comes: quoted cells may hold separators, quotes twice and line ends.

export const SEPARATORS = [",", ";", "\t", "|"];

// The separator that the first line has most of, outside of quotes.
export function separatorOf(text) {
  const line = text.split(/\r?\n/, 1)[0].replace(/"[^"]*"/g, "");
  const counted = SEPARATORS.map((one) => [line.split(one).length, one]);
  return counted.sort((a, b) => b[0] - a[0])[0][1];
}

// Feed it pieces of text; it gives rows { cells, line }, where `line` is the row's first line in the file, from 1.
export function reader(separator) {
  let cells = [];
  let cell = "";
  let quoted = false;
  let closing = false; // a quote inside quotes was the last character: its end, or the first of two
  let line = 1;
  let first = 1;
  let any = false;
  let begun = false; // the file may begin with a mark of its encoding

  function* rows(text, last = false) {
    if (!begun && text) {
      begun = true;
      text = text.replace(/^\uFEFF/, "");
    }
    for (const character of text) {
      if (character === "\n") line += 1;
      if (closing) {
        closing = false;
        if (character === '"') {
          cell += '"';
          continue;
        }
        quoted = false;
      }
      if (quoted) {
        if (character === '"') closing = true;
        else cell += character;
      } else if (character === '"' && !cell) {
        quoted = any = true;
      } else if (character === separator) {
        cells.push(cell);
        cell = "";
        any = true;
      } else if (character === "\n") {
        yield* end();
        first = line;
      } else if (character !== "\r") {
        cell += character;
        any = true;
      }
    }
    if (last) yield* end();
  }
  function* end() {
    if (any) yield { cells: [...cells, cell], line: first };
    cells = [];
    cell = "";
    any = quoted = closing = false;
  }
  return rows;
}

export const textOf = (file, packed) => {
  const stream = packed ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  return stream.pipeThrough(new TextDecoderStream("utf-8", { fatal: true }));
};

// Rows of a whole file, one after the other.
export async function* rowsOf(file, packed, separator) {
  const rows = reader(separator);
  const source = textOf(file, packed).getReader();
  try {
    for (;;) {
      const { value, done } = await source.read();
      yield* rows(value ?? "", done);
      if (done) return;
    }
  } finally {
    source.cancel().catch(() => {});
  }
}
