// SPDX-License-Identifier: MIT
// The control flow of a region in structured form, as WebAssembly requires: an ordered
// list of pieces, some of which are loops. A loop that is entered at several places has
// several heads, and a number selects one.

/** A piece: a block, or a loop of pieces. */
export type Piece =
  | { readonly kind: 'block'; readonly heads: readonly [number] }
  | { readonly kind: 'loop'; readonly heads: readonly number[]; readonly pieces: readonly Piece[] };

type Successors = (node: number) => readonly number[];

/**
 * Strongly connected components, ordered so that edges between them lead forwards
 * (Tarjan).
 */
function components(nodes: ReadonlySet<number>, successors: Successors): number[][] {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const found: number[][] = [];
  const enter = (node: number) => {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    stack.push(node);
    onStack.add(node);
    return { node, next: successors(node).values() };
  };
  const lower = (node: number, value: number) => {
    low.set(node, Math.min(low.get(node) ?? value, value));
  };
  const close = (node: number) => {
    if (low.get(node) !== index.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    for (const one of component) onStack.delete(one);
    found.push(component);
  };
  for (const root of nodes) {
    if (index.has(root)) continue;
    const frames = [enter(root)];
    for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
      const { value: to, done } = frame.next.next();
      if (done) {
        frames.pop();
        const parent = frames.at(-1);
        if (parent) lower(parent.node, low.get(frame.node) ?? 0);
        close(frame.node);
      } else if (!index.has(to)) frames.push(enter(to));
      else if (onStack.has(to)) lower(frame.node, index.get(to) ?? 0);
    }
  }
  return found.reverse();
}

/**
 * Pieces of a part of the graph that is entered at `heads`.
 * @param cut nodes whose incoming edges lead backwards.
 */
function piecesOf(
  nodes: ReadonlySet<number>,
  heads: ReadonlySet<number>,
  cut: ReadonlySet<number>,
  graph: Successors,
): Piece[] {
  const successors = (node: number) => graph(node).filter((to) => nodes.has(to) && !cut.has(to));
  const edges = [...nodes].flatMap((from) => successors(from).map((to) => [from, to] as const));
  return components(nodes, successors).map((component): Piece => {
    const [first] = component;
    if (first === undefined) throw new Error('a component is empty');
    if (component.length === 1 && !successors(first).includes(first))
      return { kind: 'block', heads: [first] };
    const inside = new Set(component);
    const entered = new Set(component.filter((node) => heads.has(node)));
    for (const [from, to] of edges) if (inside.has(to) && !inside.has(from)) entered.add(to);
    if (entered.size === 0) entered.add(first);
    const pieces = piecesOf(inside, entered, new Set([...cut, ...entered]), graph);
    return { kind: 'loop', heads: [...entered].sort((a, b) => a - b), pieces };
  });
}

/**
 * Structures a graph.
 * @param entries nodes at which it is entered; each node is reached from one of them.
 */
export function structure(
  nodes: Iterable<number>,
  entries: readonly number[],
  successors: Successors,
): readonly Piece[] {
  return piecesOf(new Set(nodes), new Set(entries), new Set(), successors);
}
