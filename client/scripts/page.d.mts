export function page(
  engines: string[],
  options?: { parser?: string; minified?: boolean; settings?: object },
): string;
