export * from './board.ts';
export * from './place-devices.ts';
export * from './toy/toy-board.ts';
export * from './toy/toy-experiments.ts';
