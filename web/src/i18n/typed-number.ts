// Numbers as people type them, with a point or a comma, made exact decimals.

/**
 * Plain text such as "9.5"; null when it is no number, or can be read in two ways: "1.500" is another number in
 * Germany than in Ireland. `decimalSign` is what stands before decimals where the person is.
 */
export function readTypedNumber(text: string, decimalSign: "." | ","): string | null {
  const typed = text.trim().replace(/\s/g, "");
  const grouping = decimalSign === "," ? "." : ",";
  if (new RegExp(`^-?[1-9]\\d{0,2}\\${grouping}\\d{3}$`).test(typed)) return null;
  const plain = typed.replace(",", ".");
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
  return plain.replace(/^(-?)\./, "$10.").replace(/\.$/, "");
}
