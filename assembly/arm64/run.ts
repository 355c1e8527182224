// Made by scripts/generate-arm64.mjs of assembly/arm64/forms.

import {
  ARM64_BANK, ARM64_BARRIER, ARM64_BASE, ARM64_COUNT, ARM64_CRC32, ARM64_CRC32C, ARM64_EL, ARM64_EXIT, ARM64_LIMIT, ARM64_MONITOR_AT, ARM64_NZCV, ARM64_PC,
  ARM64_RECORD_FETCH, ARM64_RECORD_LIMIT, ARM64_RECORD_TRAP, ARM64_RECORD_WEDGED, ARM64_SPSEL, ARM64_TLB_FETCH, ARM64_TLB_WRITE, ARM64_TRAP_RECORD_AT, ARM64_X30, BANK_SP,
} from '../layout/arm64-state';
import { access } from './general-access';
import { decodeRecord } from './decode';
import { boundary, takeFault, undefinedInstruction } from './exception';
import { locate, tlbOf } from './fetch';
import { addFlags32, addFlags64, carrySet, conditionHolds, flags, LOGIC, NZCV, overflow, SUB32, SUB64 } from './lazy-flags';
import { crc, reversedBits, signedHigh, unsignedHigh } from './operations';
import { slowLoad, slowStore } from './slow-access';
import { executeSystem } from './system';
import { AGAIN, NEXT } from './system-results';

/**
 * Executes instructions until the slice is over, or something is for the host: one of
 * ARM64_EXIT_*. `first` is the record of the PC in the block, `start` the record page
 * it is in.
 */
export function runRecords(cpu: usize, first: usize, start: usize): i32 {
  const started = load<u64>(cpu, ARM64_COUNT);
  let dp = first;
  let base = start;
  let page = load<u64>(cpu, ARM64_PC) & ~0xfff;
  let tlb = tlbOf(cpu);
  let fa = i64(load<u32>(cpu, ARM64_NZCV));
  let fb: i64 = 0;
  let fk: u32 = NZCV;
  // 8 times the instructions of this run are always acc + dp.
  let acc: usize = 0 - dp;
  while (true) {
    switch (load<u16>(dp)) {
      case 0: { decodeRecord(dp, base); continue; break; } // DECODE
      case 1: { undefinedInstruction(cpu); store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; break; } // UNDEFINED
      case 2: {  break; } // NOP
      case 3: { {
  const to: u64 = (page + u64((dp - base) >> 1));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 0 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  dp -= 8;
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // PAGE_END
      case 4: { { dp = load<u32>(cpu, ARM64_TRAP_RECORD_AT);
       const count = acc + dp + 8;
       store<u32>(cpu, flags(fa, fb, fk), ARM64_NZCV);
  store<u64>(cpu, started + u64((count) >> 3), ARM64_COUNT);
       store<u64>(cpu, (page + u64((dp - base) >> 1)), ARM64_PC);
       takeFault(cpu);
       dp = locate(cpu);
  base = load<u32>(cpu, ARM64_BASE);
  page = load<u64>(cpu, ARM64_PC) & ~0xfff;
  tlb = tlbOf(cpu);
  fa = i64(load<u32>(cpu, ARM64_NZCV)); fk = NZCV;
  acc = count - dp;
       if (count > load<u32>(cpu, ARM64_LIMIT) && dp != cpu + ARM64_RECORD_WEDGED) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; }
       continue; } break; } // TRAP
      case 5: { { const count = acc + load<u32>(cpu, ARM64_TRAP_RECORD_AT) + 8;
       store<u32>(cpu, flags(fa, fb, fk), ARM64_NZCV);
  store<u64>(cpu, started + u64((count) >> 3), ARM64_COUNT);
       dp = locate(cpu);
  base = load<u32>(cpu, ARM64_BASE);
  page = load<u64>(cpu, ARM64_PC) & ~0xfff;
  tlb = tlbOf(cpu);
  fa = i64(load<u32>(cpu, ARM64_NZCV)); fk = NZCV;
  acc = count - dp;
       if (count > load<u32>(cpu, ARM64_LIMIT) && dp != cpu + ARM64_RECORD_WEDGED) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; }
       continue; } break; } // FETCH
      case 6: { { dp = load<u32>(cpu, ARM64_TRAP_RECORD_AT);
       const count = acc + dp;
       store<u32>(cpu, flags(fa, fb, fk), ARM64_NZCV);
  store<u64>(cpu, started + u64((count) >> 3), ARM64_COUNT);
       store<u64>(cpu, (page + u64((dp - base) >> 1)), ARM64_PC);
       const exit = boundary(cpu, u32(count));
       if (exit >= 0) return exit;
       dp = locate(cpu);
  base = load<u32>(cpu, ARM64_BASE);
  page = load<u64>(cpu, ARM64_PC) & ~0xfff;
  tlb = tlbOf(cpu);
  fa = i64(load<u32>(cpu, ARM64_NZCV)); fk = NZCV;
  acc = count - dp;
       continue; } break; } // LIMIT
      case 7: { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; break; } // STOP
      case 8: { return load<i32>(cpu, ARM64_EXIT); break; } // WEDGED
      case 9: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))), 8); break; } // ADD_I
      case 10: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64(load<i32>(dp, 4)))); fa = x; fb = y; fk = SUB64;  } break; } // SUBS_I
      case 11: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64(load<i32>(dp, 4)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV;  } break; } // ADDS_I
      case 12: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64(load<i32>(dp, 4)))); fa = x; fb = y; fk = SUB64; store<u64>(cpu + load<u8>(dp, 2), u64(x - y)); } break; } // SUBS_ID
      case 13: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64(load<i32>(dp, 4)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(x + y)); } break; } // ADDS_ID
      case 14: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) + load<u64>(cpu + load<u8>(dp, 4))); break; } // ADD_R
      case 15: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) - load<u64>(cpu + load<u8>(dp, 4))); break; } // SUB_R
      case 16: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64;  } break; } // SUBS_R
      case 17: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV;  } break; } // ADDS_R
      case 18: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; store<u64>(cpu + load<u8>(dp, 2), u64(x - y)); } break; } // SUBS_RD
      case 19: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(x + y)); } break; } // ADDS_RD
      case 20: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // ADD_L
      case 21: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) - (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // SUB_L
      case 22: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB64;  } break; } // SUBS_L
      case 23: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV;  } break; } // ADDS_L
      case 24: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB64; store<u64>(cpu + load<u8>(dp, 2), u64(x - y)); } break; } // SUBS_LD
      case 25: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(x + y)); } break; } // ADDS_LD
      case 26: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) + (load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // ADD_S
      case 27: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) - (load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // SUB_S
      case 28: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB64;  } break; } // SUBS_S
      case 29: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV;  } break; } // ADDS_S
      case 30: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB64; store<u64>(cpu + load<u8>(dp, 2), u64(x - y)); } break; } // SUBS_SD
      case 31: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64((load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(x + y)); } break; } // ADDS_SD
      case 32: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) + u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // ADD_A
      case 33: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) - u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // SUB_A
      case 34: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = x; fb = y; fk = SUB64;  } break; } // SUBS_A
      case 35: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV;  } break; } // ADDS_A
      case 36: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = x; fb = y; fk = SUB64; store<u64>(cpu + load<u8>(dp, 2), u64(x - y)); } break; } // SUBS_AD
      case 37: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(x + y)); } break; } // ADDS_AD
      case 38: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3), 8) + ((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))), 8); break; } // ADD_XU
      case 39: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3), 8) - ((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))), 8); break; } // SUB_XU
      case 40: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6)))); fa = x; fb = y; fk = SUB64;  } break; } // SUBS_XU
      case 41: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV;  } break; } // ADDS_XU
      case 42: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6)))); fa = x; fb = y; fk = SUB64; store<u64>(cpu + load<u8>(dp, 2), u64(x - y)); } break; } // SUBS_XUD
      case 43: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6)))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(x + y)); } break; } // ADDS_XUD
      case 44: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))), 8); break; } // ADD_XS
      case 45: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3), 8) - u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))), 8); break; } // SUB_XS
      case 46: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6))))); fa = x; fb = y; fk = SUB64;  } break; } // SUBS_XS
      case 47: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6))))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV;  } break; } // ADDS_XS
      case 48: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6))))); fa = x; fb = y; fk = SUB64; store<u64>(cpu + load<u8>(dp, 2), u64(x - y)); } break; } // SUBS_XSD
      case 49: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3), 8)), y = i64(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6))))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(x + y)); } break; } // ADDS_XSD
      case 50: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))))), 8); break; } // ADD_I32
      case 51: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64(load<i32>(dp, 4))))); fa = x; fb = y; fk = SUB32;  } break; } // SUBS_I32
      case 52: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64(load<i32>(dp, 4))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV;  } break; } // ADDS_I32
      case 53: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64(load<i32>(dp, 4))))); fa = x; fb = y; fk = SUB32; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x - y))); } break; } // SUBS_ID32
      case 54: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64(load<i32>(dp, 4))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x + y))); } break; } // ADDS_ID32
      case 55: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) + load<u64>(cpu + load<u8>(dp, 4))))); break; } // ADD_R32
      case 56: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) - load<u64>(cpu + load<u8>(dp, 4))))); break; } // SUB_R32
      case 57: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32;  } break; } // SUBS_R32
      case 58: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV;  } break; } // ADDS_R32
      case 59: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x - y))); } break; } // SUBS_RD32
      case 60: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x + y))); } break; } // ADDS_RD32
      case 61: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))))); break; } // ADD_L32
      case 62: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) - (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))))); break; } // SUB_L32
      case 63: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))))); fa = x; fb = y; fk = SUB32;  } break; } // SUBS_L32
      case 64: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV;  } break; } // ADDS_L32
      case 65: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))))); fa = x; fb = y; fk = SUB32; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x - y))); } break; } // SUBS_LD32
      case 66: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x + y))); } break; } // ADDS_LD32
      case 67: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) + u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // ADD_S32
      case 68: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) - u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // SUB_S32
      case 69: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB32;  } break; } // SUBS_S32
      case 70: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV;  } break; } // ADDS_S32
      case 71: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB32; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x - y))); } break; } // SUBS_SD32
      case 72: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x + y))); } break; } // ADDS_SD32
      case 73: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) + u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // ADD_A32
      case 74: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) - u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // SUB_A32
      case 75: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB32;  } break; } // SUBS_A32
      case 76: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV;  } break; } // ADDS_A32
      case 77: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = x; fb = y; fk = SUB32; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x - y))); } break; } // SUBS_AD32
      case 78: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(i32(u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x + y))); } break; } // ADDS_AD32
      case 79: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3), 8) + ((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))))), 8); break; } // ADD_XU32
      case 80: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3), 8) - ((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))))), 8); break; } // SUB_XU32
      case 81: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))))); fa = x; fb = y; fk = SUB32;  } break; } // SUBS_XU32
      case 82: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV;  } break; } // ADDS_XU32
      case 83: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))))); fa = x; fb = y; fk = SUB32; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x - y))); } break; } // SUBS_XUD32
      case 84: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x + y))); } break; } // ADDS_XUD32
      case 85: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))))), 8); break; } // ADD_XS32
      case 86: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3), 8) - u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))))), 8); break; } // SUB_XS32
      case 87: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))))); fa = x; fb = y; fk = SUB32;  } break; } // SUBS_XS32
      case 88: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV;  } break; } // ADDS_XS32
      case 89: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))))); fa = x; fb = y; fk = SUB32; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x - y))); } break; } // SUBS_XSD32
      case 90: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3), 8))), y = i64(i32(u64(i64((load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6)))))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; store<u64>(cpu + load<u8>(dp, 2), u64(u32(x + y))); } break; } // ADDS_XSD32
      case 91: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) + load<u64>(cpu + load<u8>(dp, 4)) + u64(carrySet(fa, fb, fk))); break; } // ADC
      case 92: { { const x = load<u64>(cpu + load<u8>(dp, 3)), y = load<u64>(cpu + load<u8>(dp, 4)), c = carrySet(fa, fb, fk);
          fa = i64(addFlags64(x, y, c)); fk = NZCV;
           } break; } // ADCS
      case 93: { { const x = load<u64>(cpu + load<u8>(dp, 3)), y = load<u64>(cpu + load<u8>(dp, 4)), c = carrySet(fa, fb, fk);
          fa = i64(addFlags64(x, y, c)); fk = NZCV;
          store<u64>(cpu + load<u8>(dp, 2), x + y + u64(c)); } break; } // ADCSD
      case 94: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) + ~load<u64>(cpu + load<u8>(dp, 4)) + u64(carrySet(fa, fb, fk))); break; } // SBC
      case 95: { { const x = load<u64>(cpu + load<u8>(dp, 3)), y = ~load<u64>(cpu + load<u8>(dp, 4)), c = carrySet(fa, fb, fk);
          fa = i64(addFlags64(x, y, c)); fk = NZCV;
           } break; } // SBCS
      case 96: { { const x = load<u64>(cpu + load<u8>(dp, 3)), y = ~load<u64>(cpu + load<u8>(dp, 4)), c = carrySet(fa, fb, fk);
          fa = i64(addFlags64(x, y, c)); fk = NZCV;
          store<u64>(cpu + load<u8>(dp, 2), x + y + u64(c)); } break; } // SBCSD
      case 97: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3))) + u32(load<u64>(cpu + load<u8>(dp, 4))) + carrySet(fa, fb, fk))); break; } // ADC32
      case 98: { { const x = u32(load<u64>(cpu + load<u8>(dp, 3))), y = u32(load<u64>(cpu + load<u8>(dp, 4))), c = carrySet(fa, fb, fk);
          fa = i64(addFlags32(x, y, c)); fk = NZCV;
           } break; } // ADCS32
      case 99: { { const x = u32(load<u64>(cpu + load<u8>(dp, 3))), y = u32(load<u64>(cpu + load<u8>(dp, 4))), c = carrySet(fa, fb, fk);
          fa = i64(addFlags32(x, y, c)); fk = NZCV;
          store<u64>(cpu + load<u8>(dp, 2), u64(x + y + c)); } break; } // ADCSD32
      case 100: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3))) + u32(~load<u64>(cpu + load<u8>(dp, 4))) + carrySet(fa, fb, fk))); break; } // SBC32
      case 101: { { const x = u32(load<u64>(cpu + load<u8>(dp, 3))), y = u32(~load<u64>(cpu + load<u8>(dp, 4))), c = carrySet(fa, fb, fk);
          fa = i64(addFlags32(x, y, c)); fk = NZCV;
           } break; } // SBCS32
      case 102: { { const x = u32(load<u64>(cpu + load<u8>(dp, 3))), y = u32(~load<u64>(cpu + load<u8>(dp, 4))), c = carrySet(fa, fb, fk);
          fa = i64(addFlags32(x, y, c)); fk = NZCV;
          store<u64>(cpu + load<u8>(dp, 2), u64(x + y + c)); } break; } // SBCSD32
      case 103: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & u64(load<u32>(dp, 4)), 8); break; } // AND_IC
      case 104: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & (u64(load<u32>(dp, 4)) * 0x100000001), 8); break; } // AND_IT
      case 105: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & rotr<u64>(u64(-1) >> u64(load<u8>(dp, 4)), u64(load<u8>(dp, 5))), 8); break; } // AND_IO
      case 106: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & u64(load<u32>(dp, 4)))), 8); break; } // AND_I32
      case 107: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | u64(load<u32>(dp, 4)), 8); break; } // ORR_IC
      case 108: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | (u64(load<u32>(dp, 4)) * 0x100000001), 8); break; } // ORR_IT
      case 109: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | rotr<u64>(u64(-1) >> u64(load<u8>(dp, 4)), u64(load<u8>(dp, 5))), 8); break; } // ORR_IO
      case 110: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | u64(load<u32>(dp, 4)))), 8); break; } // ORR_I32
      case 111: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ u64(load<u32>(dp, 4)), 8); break; } // EOR_IC
      case 112: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ (u64(load<u32>(dp, 4)) * 0x100000001), 8); break; } // EOR_IT
      case 113: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ rotr<u64>(u64(-1) >> u64(load<u8>(dp, 4)), u64(load<u8>(dp, 5))), 8); break; } // EOR_IO
      case 114: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ u64(load<u32>(dp, 4)))), 8); break; } // EOR_I32
      case 115: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & u64(load<u32>(dp, 4))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_IC
      case 116: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & (u64(load<u32>(dp, 4)) * 0x100000001)); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_IT
      case 117: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & rotr<u64>(u64(-1) >> u64(load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_IO
      case 118: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(load<u32>(dp, 4)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_I32
      case 119: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & u64(load<u32>(dp, 4))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_ICD
      case 120: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & (u64(load<u32>(dp, 4)) * 0x100000001)); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_ITD
      case 121: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & rotr<u64>(u64(-1) >> u64(load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_IOD
      case 122: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(load<u32>(dp, 4)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // ANDS_ID32
      case 123: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & load<u64>(cpu + load<u8>(dp, 4))); break; } // AND_R
      case 124: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // AND_L
      case 125: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & (load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // AND_S
      case 126: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // AND_A
      case 127: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); break; } // AND_O
      case 128: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & load<u64>(cpu + load<u8>(dp, 4))))); break; } // AND_R32
      case 129: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5))))); break; } // AND_L32
      case 130: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // AND_S32
      case 131: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // AND_A32
      case 132: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5)))))); break; } // AND_O32
      case 133: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | load<u64>(cpu + load<u8>(dp, 4))); break; } // ORR_R
      case 134: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // ORR_L
      case 135: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | (load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // ORR_S
      case 136: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // ORR_A
      case 137: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); break; } // ORR_O
      case 138: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | load<u64>(cpu + load<u8>(dp, 4))))); break; } // ORR_R32
      case 139: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5))))); break; } // ORR_L32
      case 140: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // ORR_S32
      case 141: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // ORR_A32
      case 142: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5)))))); break; } // ORR_O32
      case 143: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ load<u64>(cpu + load<u8>(dp, 4))); break; } // EOR_R
      case 144: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // EOR_L
      case 145: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ (load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // EOR_S
      case 146: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // EOR_A
      case 147: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); break; } // EOR_O
      case 148: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ load<u64>(cpu + load<u8>(dp, 4))))); break; } // EOR_R32
      case 149: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5))))); break; } // EOR_L32
      case 150: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // EOR_S32
      case 151: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // EOR_A32
      case 152: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5)))))); break; } // EOR_O32
      case 153: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & ~load<u64>(cpu + load<u8>(dp, 4))); break; } // BIC_R
      case 154: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & ~(load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // BIC_L
      case 155: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & ~(load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // BIC_S
      case 156: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & ~u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // BIC_A
      case 157: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) & ~rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); break; } // BIC_O
      case 158: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // BIC_R32
      case 159: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5))))); break; } // BIC_L32
      case 160: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // BIC_S32
      case 161: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // BIC_A32
      case 162: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5)))))); break; } // BIC_O32
      case 163: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | ~load<u64>(cpu + load<u8>(dp, 4))); break; } // ORN_R
      case 164: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | ~(load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // ORN_L
      case 165: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | ~(load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // ORN_S
      case 166: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | ~u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // ORN_A
      case 167: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) | ~rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); break; } // ORN_O
      case 168: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // ORN_R32
      case 169: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5))))); break; } // ORN_L32
      case 170: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // ORN_S32
      case 171: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | ~u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // ORN_A32
      case 172: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) | ~u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5)))))); break; } // ORN_O32
      case 173: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ ~load<u64>(cpu + load<u8>(dp, 4))); break; } // EON_R
      case 174: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ ~(load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); break; } // EON_L
      case 175: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ ~(load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); break; } // EON_S
      case 176: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ ~u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); break; } // EON_A
      case 177: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) ^ ~rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); break; } // EON_O
      case 178: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // EON_R32
      case 179: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5))))); break; } // EON_L32
      case 180: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // EON_S32
      case 181: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ ~u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5))))); break; } // EON_A32
      case 182: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3)) ^ ~u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5)))))); break; } // EON_O32
      case 183: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 4))); break; } // MOV
      case 184: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 4))))); break; } // MOV32
      case 185: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & load<u64>(cpu + load<u8>(dp, 4))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_R
      case 186: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & load<u64>(cpu + load<u8>(dp, 4))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_RD
      case 187: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_L
      case 188: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_LD
      case 189: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & (load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_S
      case 190: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & (load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_SD
      case 191: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_A
      case 192: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_AD
      case 193: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_O
      case 194: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // ANDS_OD
      case 195: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & load<u64>(cpu + load<u8>(dp, 4)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_R32
      case 196: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & load<u64>(cpu + load<u8>(dp, 4)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // ANDS_RD32
      case 197: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_L32
      case 198: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // ANDS_LD32
      case 199: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_S32
      case 200: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // ANDS_SD32
      case 201: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_A32
      case 202: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // ANDS_AD32
      case 203: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC;  } break; } // ANDS_O32
      case 204: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // ANDS_OD32
      case 205: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~load<u64>(cpu + load<u8>(dp, 4))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_R
      case 206: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~load<u64>(cpu + load<u8>(dp, 4))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // BICS_RD
      case 207: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~(load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_L
      case 208: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~(load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // BICS_LD
      case 209: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~(load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_S
      case 210: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~(load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // BICS_SD
      case 211: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_A
      case 212: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(i64(load<u64>(cpu + load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // BICS_AD
      case 213: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_O
      case 214: { { const r = i64(load<u64>(cpu + load<u8>(dp, 3)) & ~rotr<u64>(load<u64>(cpu + load<u8>(dp, 4)), u64(load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(r)); } break; } // BICS_OD
      case 215: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~load<u64>(cpu + load<u8>(dp, 4)))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_R32
      case 216: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~load<u64>(cpu + load<u8>(dp, 4)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // BICS_RD32
      case 217: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_L32
      case 218: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) << load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // BICS_LD32
      case 219: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_S32
      case 220: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // BICS_SD32
      case 221: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_A32
      case 222: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(i32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5)))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // BICS_AD32
      case 223: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC;  } break; } // BICS_O32
      case 224: { { const r = i64(i32(load<u64>(cpu + load<u8>(dp, 3)) & ~u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 4))), load<u8>(dp, 5))))); fa = r; fb = 0; fk = LOGIC; store<u64>(cpu + load<u8>(dp, 2), u64(u32(r))); } break; } // BICS_OD32
      case 225: { store<u64>(cpu + load<u8>(dp, 2), u64(load<u16>(dp, 4)) << u64(load<u8>(dp, 3))); break; } // MOVZ
      case 226: { store<u64>(cpu + load<u8>(dp, 2), ~(u64(load<u16>(dp, 4)) << u64(load<u8>(dp, 3)))); break; } // MOVN
      case 227: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(~(u64(load<u16>(dp, 4)) << u64(load<u8>(dp, 3)))))); break; } // MOVN32
      case 228: { store<u64>(cpu + load<u8>(dp, 2), (load<u64>(cpu + load<u8>(dp, 2)) & ~(u64(0xffff) << u64(load<u8>(dp, 3))) | u64(load<u16>(dp, 4)) << u64(load<u8>(dp, 3)))); break; } // MOVK
      case 229: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((load<u64>(cpu + load<u8>(dp, 2)) & ~(u64(0xffff) << u64(load<u8>(dp, 3))) | u64(load<u16>(dp, 4)) << u64(load<u8>(dp, 3)))))); break; } // MOVK32
      case 230: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) << u64(load<u8>(dp, 4))); break; } // LSL
      case 231: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) >> u64(load<u8>(dp, 4))); break; } // LSR
      case 232: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3))) << load<u8>(dp, 4))); break; } // LSL32
      case 233: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3))) >> load<u8>(dp, 4))); break; } // LSR32
      case 234: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) << u64(load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)) << u64(load<u8>(dp, 6))); break; } // UBF
      case 235: { store<u64>(cpu + load<u8>(dp, 2), u64(i64(load<u64>(cpu + load<u8>(dp, 3)) << u64(load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6))))); break; } // SBF
      case 236: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(u64(i64(load<u64>(cpu + load<u8>(dp, 3)) << u64(load<u8>(dp, 4))) >> i64(u64(load<u8>(dp, 5))) << i64(u64(load<u8>(dp, 6))))))); break; } // SBF32
      case 237: { store<u64>(cpu + load<u8>(dp, 2), (load<u64>(cpu + load<u8>(dp, 2)) & ~((u64(-1) >> u64(load<u8>(dp, 5))) << u64(load<u8>(dp, 6))) | (load<u64>(cpu + load<u8>(dp, 3)) >> u64(load<u8>(dp, 4)) & (u64(-1) >> u64(load<u8>(dp, 5)))) << u64(load<u8>(dp, 6)))); break; } // BFM
      case 238: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((load<u64>(cpu + load<u8>(dp, 2)) & ~((u64(-1) >> u64(load<u8>(dp, 5))) << u64(load<u8>(dp, 6))) | (load<u64>(cpu + load<u8>(dp, 3)) >> u64(load<u8>(dp, 4)) & (u64(-1) >> u64(load<u8>(dp, 5)))) << u64(load<u8>(dp, 6)))))); break; } // BFM32
      case 239: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 4)) >> u64(load<u8>(dp, 5)) | load<u64>(cpu + load<u8>(dp, 3)) << (64 - u64(load<u8>(dp, 5)))); break; } // EXTR
      case 240: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 4))) >> load<u8>(dp, 5) | u32(load<u64>(cpu + load<u8>(dp, 3))) << (32 - load<u8>(dp, 5)))); break; } // EXTR32
      case 241: { store<u64>(cpu + load<u8>(dp, 2), reversedBits(load<u64>(cpu + load<u8>(dp, 3)))); break; } // RBIT
      case 242: { store<u64>(cpu + load<u8>(dp, 2), reversedBits(load<u64>(cpu + load<u8>(dp, 3))) >> 32); break; } // RBIT32
      case 243: { store<u64>(cpu + load<u8>(dp, 2), (load<u64>(cpu + load<u8>(dp, 3)) & 0xff00ff00ff00ff) << 8 | load<u64>(cpu + load<u8>(dp, 3)) >> 8 & 0xff00ff00ff00ff); break; } // REV16
      case 244: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((load<u64>(cpu + load<u8>(dp, 3)) & 0xff00ff00ff00ff) << 8 | load<u64>(cpu + load<u8>(dp, 3)) >> 8 & 0xff00ff00ff00ff))); break; } // REV1632
      case 245: { store<u64>(cpu + load<u8>(dp, 2), u64(bswap<u32>(u32(load<u64>(cpu + load<u8>(dp, 3)))))); break; } // REV
      case 246: { store<u64>(cpu + load<u8>(dp, 2), rotr<u64>(bswap<u64>(load<u64>(cpu + load<u8>(dp, 3))), 32)); break; } // REV32
      case 247: { store<u64>(cpu + load<u8>(dp, 2), bswap<u64>(load<u64>(cpu + load<u8>(dp, 3)))); break; } // REV_64
      case 248: { store<u64>(cpu + load<u8>(dp, 2), clz<u64>(load<u64>(cpu + load<u8>(dp, 3)))); break; } // CLZ
      case 249: { store<u64>(cpu + load<u8>(dp, 2), u64(clz<u32>(u32(load<u64>(cpu + load<u8>(dp, 3)))))); break; } // CLZ32
      case 250: { store<u64>(cpu + load<u8>(dp, 2), clz<u64>(load<u64>(cpu + load<u8>(dp, 3)) ^ u64(i64(load<u64>(cpu + load<u8>(dp, 3))) >> 1)) - 1); break; } // CLS
      case 251: { store<u64>(cpu + load<u8>(dp, 2), u64(clz<u32>(u32(load<u64>(cpu + load<u8>(dp, 3))) ^ u32(i32(load<u64>(cpu + load<u8>(dp, 3))) >> 1)) - 1)); break; } // CLS32
      case 252: { { const d = load<u64>(cpu + load<u8>(dp, 4)); store<u64>(cpu + load<u8>(dp, 2), d == 0 ? 0 : load<u64>(cpu + load<u8>(dp, 3)) / d); } break; } // UDIV
      case 253: { { const d = u32(load<u64>(cpu + load<u8>(dp, 4))); store<u64>(cpu + load<u8>(dp, 2), d == 0 ? 0 : u64(u32(load<u64>(cpu + load<u8>(dp, 3))) / d)); } break; } // UDIV32
      case 254: { { const d = i64(load<u64>(cpu + load<u8>(dp, 4))); store<u64>(cpu + load<u8>(dp, 2), d == 0 ? 0 : d == -1 ? 0 - load<u64>(cpu + load<u8>(dp, 3)) : u64(i64(load<u64>(cpu + load<u8>(dp, 3))) / d)); } break; } // SDIV
      case 255: { { const d = i32(load<u64>(cpu + load<u8>(dp, 4))); store<u64>(cpu + load<u8>(dp, 2), d == 0 ? 0 : d == -1 ? u64(u32(0 - load<u64>(cpu + load<u8>(dp, 3)))) : u64(u32(i32(load<u64>(cpu + load<u8>(dp, 3))) / d))); } break; } // SDIV32
      case 256: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) << (load<u64>(cpu + load<u8>(dp, 4)) & 63)); break; } // LSLV
      case 257: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3))) << (u32(load<u64>(cpu + load<u8>(dp, 4))) & 31))); break; } // LSLV32
      case 258: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 3)) >> (load<u64>(cpu + load<u8>(dp, 4)) & 63)); break; } // LSRV
      case 259: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 3))) >> (u32(load<u64>(cpu + load<u8>(dp, 4))) & 31))); break; } // LSRV32
      case 260: { store<u64>(cpu + load<u8>(dp, 2), u64(i64(load<u64>(cpu + load<u8>(dp, 3))) >> i64(load<u64>(cpu + load<u8>(dp, 4)) & 63))); break; } // ASRV
      case 261: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(i32(load<u64>(cpu + load<u8>(dp, 3))) >> i32(u32(load<u64>(cpu + load<u8>(dp, 4))) & 31)))); break; } // ASRV32
      case 262: { store<u64>(cpu + load<u8>(dp, 2), rotr<u64>(load<u64>(cpu + load<u8>(dp, 3)), load<u64>(cpu + load<u8>(dp, 4)) & 63)); break; } // RORV
      case 263: { store<u64>(cpu + load<u8>(dp, 2), u64(rotr<u32>(u32(load<u64>(cpu + load<u8>(dp, 3))), u32(load<u64>(cpu + load<u8>(dp, 4))) & 31))); break; } // RORV32
      case 264: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 1))); break; } // CRC32B
      case 265: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 2))); break; } // CRC32H
      case 266: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 4))); break; } // CRC32W
      case 267: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 8))); break; } // CRC32X
      case 268: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32C, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 1))); break; } // CRC32CB
      case 269: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32C, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 2))); break; } // CRC32CH
      case 270: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32C, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 4))); break; } // CRC32CW
      case 271: { store<u64>(cpu + load<u8>(dp, 2), u64(crc(cpu + ARM64_CRC32C, u32(load<u64>(cpu + load<u8>(dp, 3))), load<u64>(cpu + load<u8>(dp, 4)), 8))); break; } // CRC32CX
      case 272: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 6)) + load<u64>(cpu + load<u8>(dp, 3)) * load<u64>(cpu + load<u8>(dp, 4))); break; } // MADD
      case 273: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 6)) + load<u64>(cpu + load<u8>(dp, 3)) * load<u64>(cpu + load<u8>(dp, 4))))); break; } // MADD32
      case 274: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 6)) - load<u64>(cpu + load<u8>(dp, 3)) * load<u64>(cpu + load<u8>(dp, 4))); break; } // MSUB
      case 275: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(load<u64>(cpu + load<u8>(dp, 6)) - load<u64>(cpu + load<u8>(dp, 3)) * load<u64>(cpu + load<u8>(dp, 4))))); break; } // MSUB32
      case 276: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 6)) + u64(i64(i32(load<u64>(cpu + load<u8>(dp, 3)))) * i64(i32(load<u64>(cpu + load<u8>(dp, 4)))))); break; } // SMADDL
      case 277: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 6)) - u64(i64(i32(load<u64>(cpu + load<u8>(dp, 3)))) * i64(i32(load<u64>(cpu + load<u8>(dp, 4)))))); break; } // SMSUBL
      case 278: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 6)) + u64(u32(load<u64>(cpu + load<u8>(dp, 3)))) * u64(u32(load<u64>(cpu + load<u8>(dp, 4))))); break; } // UMADDL
      case 279: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u8>(dp, 6)) - u64(u32(load<u64>(cpu + load<u8>(dp, 3)))) * u64(u32(load<u64>(cpu + load<u8>(dp, 4))))); break; } // UMSUBL
      case 280: { store<u64>(cpu + load<u8>(dp, 2), signedHigh(load<u64>(cpu + load<u8>(dp, 3)), load<u64>(cpu + load<u8>(dp, 4)))); break; } // SMULH
      case 281: { store<u64>(cpu + load<u8>(dp, 2), unsignedHigh(load<u64>(cpu + load<u8>(dp, 3)), load<u64>(cpu + load<u8>(dp, 4)))); break; } // UMULH
      case 282: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_0
      case 283: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_1
      case 284: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_2
      case 285: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_3
      case 286: { store<u64>(cpu + load<u8>(dp, 2), (fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_4
      case 287: { store<u64>(cpu + load<u8>(dp, 2), !(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_5
      case 288: { store<u64>(cpu + load<u8>(dp, 2), overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_6
      case 289: { store<u64>(cpu + load<u8>(dp, 2), !overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_7
      case 290: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_8
      case 291: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_9
      case 292: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_10
      case 293: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_11
      case 294: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_12
      case 295: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))); break; } // CSEL_13
      case 296: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_0_32
      case 297: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_1_32
      case 298: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_2_32
      case 299: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_3_32
      case 300: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_4_32
      case 301: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_5_32
      case 302: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_6_32
      case 303: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_7_32
      case 304: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_8_32
      case 305: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_9_32
      case 306: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_10_32
      case 307: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_11_32
      case 308: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_12_32
      case 309: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSEL_13_32
      case 310: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_0
      case 311: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_1
      case 312: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_2
      case 313: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_3
      case 314: { store<u64>(cpu + load<u8>(dp, 2), (fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_4
      case 315: { store<u64>(cpu + load<u8>(dp, 2), !(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_5
      case 316: { store<u64>(cpu + load<u8>(dp, 2), overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_6
      case 317: { store<u64>(cpu + load<u8>(dp, 2), !overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_7
      case 318: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_8
      case 319: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_9
      case 320: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_10
      case 321: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_11
      case 322: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_12
      case 323: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1); break; } // CSINC_13
      case 324: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_0_32
      case 325: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_1_32
      case 326: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_2_32
      case 327: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_3_32
      case 328: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_4_32
      case 329: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_5_32
      case 330: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_6_32
      case 331: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_7_32
      case 332: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_8_32
      case 333: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_9_32
      case 334: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_10_32
      case 335: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_11_32
      case 336: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_12_32
      case 337: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : load<u64>(cpu + load<u8>(dp, 4)) + 1))); break; } // CSINC_13_32
      case 338: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_0
      case 339: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_1
      case 340: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_2
      case 341: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_3
      case 342: { store<u64>(cpu + load<u8>(dp, 2), (fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_4
      case 343: { store<u64>(cpu + load<u8>(dp, 2), !(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_5
      case 344: { store<u64>(cpu + load<u8>(dp, 2), overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_6
      case 345: { store<u64>(cpu + load<u8>(dp, 2), !overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_7
      case 346: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_8
      case 347: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_9
      case 348: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_10
      case 349: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_11
      case 350: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_12
      case 351: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))); break; } // CSINV_13
      case 352: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_0_32
      case 353: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_1_32
      case 354: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_2_32
      case 355: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_3_32
      case 356: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_4_32
      case 357: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_5_32
      case 358: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_6_32
      case 359: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_7_32
      case 360: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_8_32
      case 361: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_9_32
      case 362: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_10_32
      case 363: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_11_32
      case 364: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_12_32
      case 365: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : ~load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSINV_13_32
      case 366: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_0
      case 367: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_1
      case 368: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_2
      case 369: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_3
      case 370: { store<u64>(cpu + load<u8>(dp, 2), (fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_4
      case 371: { store<u64>(cpu + load<u8>(dp, 2), !(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_5
      case 372: { store<u64>(cpu + load<u8>(dp, 2), overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_6
      case 373: { store<u64>(cpu + load<u8>(dp, 2), !overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_7
      case 374: { store<u64>(cpu + load<u8>(dp, 2), (fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_8
      case 375: { store<u64>(cpu + load<u8>(dp, 2), !(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_9
      case 376: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_10
      case 377: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_11
      case 378: { store<u64>(cpu + load<u8>(dp, 2), (fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_12
      case 379: { store<u64>(cpu + load<u8>(dp, 2), !(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))); break; } // CSNEG_13
      case 380: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_0_32
      case 381: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_1_32
      case 382: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_2_32
      case 383: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_3_32
      case 384: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_4_32
      case 385: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_5_32
      case 386: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_6_32
      case 387: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!overflow(fa, fb, fk) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_7_32
      case 388: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_8_32
      case 389: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_9_32
      case 390: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_10_32
      case 391: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_11_32
      case 392: { store<u64>(cpu + load<u8>(dp, 2), u64(u32((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_12_32
      case 393: { store<u64>(cpu + load<u8>(dp, 2), u64(u32(!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0) ? load<u64>(cpu + load<u8>(dp, 3)) : 0 - load<u64>(cpu + load<u8>(dp, 4))))); break; } // CSNEG_13_32
      case 394: { if ((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_0
      case 395: { if (!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_1
      case 396: { if ((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_2
      case 397: { if (!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_3
      case 398: { if ((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_4
      case 399: { if (!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_5
      case 400: { if (overflow(fa, fb, fk)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_6
      case 401: { if (!overflow(fa, fb, fk)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_7
      case 402: { if ((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_8
      case 403: { if (!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_9
      case 404: { if ((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_10
      case 405: { if (!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_11
      case 406: { if ((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_12
      case 407: { if (!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R_13
      case 408: { if (conditionHolds(load<u8>(dp, 5), flags(fa, fb, fk))) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u64>(cpu + load<u8>(dp, 4))); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMN_R
      case 409: { if ((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_0
      case 410: { if (!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_1
      case 411: { if ((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_2
      case 412: { if (!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_3
      case 413: { if ((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_4
      case 414: { if (!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_5
      case 415: { if (overflow(fa, fb, fk)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_6
      case 416: { if (!overflow(fa, fb, fk)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_7
      case 417: { if ((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_8
      case 418: { if (!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_9
      case 419: { if ((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_10
      case 420: { if (!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_11
      case 421: { if ((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_12
      case 422: { if (!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I_13
      case 423: { if (conditionHolds(load<u8>(dp, 5), flags(fa, fb, fk))) { const x = i64(load<u64>(cpu + load<u8>(dp, 2))), y = i64(load<u8>(dp, 4)); fa = i64(addFlags64(u64(x), u64(y), 0)); fk = NZCV; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMN_I
      case 424: { if ((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_0
      case 425: { if (!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_1
      case 426: { if ((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_2
      case 427: { if (!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_3
      case 428: { if ((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_4
      case 429: { if (!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_5
      case 430: { if (overflow(fa, fb, fk)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_6
      case 431: { if (!overflow(fa, fb, fk)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_7
      case 432: { if ((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_8
      case 433: { if (!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_9
      case 434: { if ((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_10
      case 435: { if (!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_11
      case 436: { if ((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_12
      case 437: { if (!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_R32_13
      case 438: { if (conditionHolds(load<u8>(dp, 5), flags(fa, fb, fk))) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u64>(cpu + load<u8>(dp, 4)))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMN_R32
      case 439: { if ((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_0
      case 440: { if (!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_1
      case 441: { if ((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_2
      case 442: { if (!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_3
      case 443: { if ((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_4
      case 444: { if (!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_5
      case 445: { if (overflow(fa, fb, fk)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_6
      case 446: { if (!overflow(fa, fb, fk)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_7
      case 447: { if ((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_8
      case 448: { if (!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_9
      case 449: { if ((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_10
      case 450: { if (!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_11
      case 451: { if ((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_12
      case 452: { if (!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = x; fb = y; fk = SUB32; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMP_I32_13
      case 453: { if (conditionHolds(load<u8>(dp, 5), flags(fa, fb, fk))) { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 2)))), y = i64(i32(load<u8>(dp, 4))); fa = i64(addFlags32(u32(x), u32(y), 0)); fk = NZCV; } else { fa = i64(u32(load<u8>(dp, 3)) << 28); fk = NZCV; } break; } // CCMN_I32
      case 454: { { const x = i64(load<u64>(cpu + load<u8>(dp, 3))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB64; } break; } // SUBS_IZ
      case 455: { { const x = i64(i32(load<u64>(cpu + load<u8>(dp, 3)))), y = i64(load<u8>(dp, 4)); fa = x; fb = y; fk = SUB32; } break; } // SUBS_IZ32
      case 456: { { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // B
      case 457: { {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // B_FAR
      case 458: { store<u64>(cpu, (page + u64((dp - base) >> 1)) + 4, ARM64_X30); { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BL
      case 459: { store<u64>(cpu, (page + u64((dp - base) >> 1)) + 4, ARM64_X30); {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // BL_FAR
      case 460: { {
  const to: u64 = load<u64>(cpu + load<u8>(dp, 3));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // BR
      case 461: { { const branch = load<u64>(cpu + load<u8>(dp, 3)); store<u64>(cpu, (page + u64((dp - base) >> 1)) + 4, ARM64_X30); {
  const to: u64 = branch;
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} } break; } // BLR
      case 462: { if ((fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_0
      case 463: { if (!(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_1
      case 464: { if ((fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_2
      case 465: { if (!(fk < LOGIC ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_3
      case 466: { if ((fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_4
      case 467: { if (!(fk == SUB32 ? i32(fa - fb) < 0 : fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_5
      case 468: { if (overflow(fa, fb, fk)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_6
      case 469: { if (!overflow(fa, fb, fk)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_7
      case 470: { if ((fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_8
      case 471: { if (!(fk < LOGIC ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_9
      case 472: { if ((fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_10
      case 473: { if (!(fk < NZCV ? fa >= fb : ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_11
      case 474: { if ((fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_12
      case 475: { if (!(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ((fa >> 31 ^ fa >> 28) & 1) == 0)) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // BCOND_13
      case 476: { if (conditionHolds(load<u8>(dp, 2), flags(fa, fb, fk))) {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // BCOND_FAR
      case 477: { if (load<u64>(cpu + load<u8>(dp, 2)) == 0) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // CBZ
      case 478: { if (load<u64>(cpu + load<u8>(dp, 2)) == 0) {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // CBZ_FAR
      case 479: { if (u32(load<u64>(cpu + load<u8>(dp, 2))) == 0) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // CBZ32
      case 480: { if (u32(load<u64>(cpu + load<u8>(dp, 2))) == 0) {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // CBZ_FAR32
      case 481: { if (load<u64>(cpu + load<u8>(dp, 2)) != 0) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // CBNZ
      case 482: { if (load<u64>(cpu + load<u8>(dp, 2)) != 0) {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // CBNZ_FAR
      case 483: { if (u32(load<u64>(cpu + load<u8>(dp, 2))) != 0) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // CBNZ32
      case 484: { if (u32(load<u64>(cpu + load<u8>(dp, 2))) != 0) {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // CBNZ_FAR32
      case 485: { if ((load<u64>(cpu + load<u8>(dp, 2)) >> u64(load<u8>(dp, 3)) & 1) == 0) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // TBZ
      case 486: { if ((load<u64>(cpu + load<u8>(dp, 2)) >> u64(load<u8>(dp, 3)) & 1) == 0) {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // TBZ_FAR
      case 487: { if ((load<u64>(cpu + load<u8>(dp, 2)) >> u64(load<u8>(dp, 3)) & 1) != 0) { const target: usize = dp + load<u32>(dp, 4); acc += dp + 8 - target; dp = target; if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue; } break; } // TBNZ
      case 488: { if ((load<u64>(cpu + load<u8>(dp, 2)) >> u64(load<u8>(dp, 3)) & 1) != 0) {
  const to: u64 = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)));
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    base = load<u32>(entry, ARM64_TLB_FETCH + 8);
    page = to & ~0xfff;
    const target = base + ((usize(to) & 0xfff) << 1);
    acc += dp + 8 - target;
    dp = target;
    if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; } continue;
  }
  store<u64>(cpu, to, ARM64_PC);
  
  store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_FETCH; continue;
} break; } // TBNZ_FAR
      case 489: { store<u64>(cpu + load<u8>(dp, 2), (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4)))); break; } // ADR
      case 490: { store<u64>(cpu + load<u8>(dp, 2), page + (u64(i64(load<i32>(dp, 4))) << 12)); break; } // ADRP
      case 491: { { const count = acc + dp + 8;
       store<u32>(cpu, flags(fa, fb, fk), ARM64_NZCV);
  store<u64>(cpu, started + u64((count) >> 3), ARM64_COUNT);
       store<u64>(cpu, (page + u64((dp - base) >> 1)), ARM64_PC);
       const next = executeSystem(cpu, load<u32>(dp, 4));
       if (next == NEXT) {
         fa = i64(load<u32>(cpu, ARM64_NZCV)); fk = NZCV;
         tlb = tlbOf(cpu);
       } else if (next == AGAIN) {
         dp = locate(cpu);
  base = load<u32>(cpu, ARM64_BASE);
  page = load<u64>(cpu, ARM64_PC) & ~0xfff;
  tlb = tlbOf(cpu);
  fa = i64(load<u32>(cpu, ARM64_NZCV)); fk = NZCV;
  acc = count - dp;
         if (count > load<u32>(cpu, ARM64_LIMIT) && dp != cpu + ARM64_RECORD_WEDGED) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_LIMIT; continue; }
         continue;
       } else return next; } break; } // SYSTEM
      case 492: { if (load<u32>(cpu, ARM64_EL) != 0) { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u32>(dp, 4))); } else { undefinedInstruction(cpu); store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } break; } // MRS_EL1
      case 493: { if (load<u32>(cpu, ARM64_EL) != 0) { store<u64>(cpu + load<u32>(dp, 4), load<u64>(cpu + load<u8>(dp, 2))); } else { undefinedInstruction(cpu); store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } break; } // MSR_EL1
      case 494: { if (load<u32>(cpu, ARM64_SPSEL) != 0) { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu, ARM64_BANK + BANK_SP)); } else { undefinedInstruction(cpu); store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } break; } // MRS_SP_EL0
      case 495: { if (load<u32>(cpu, ARM64_SPSEL) != 0) { store<u64>(cpu, load<u64>(cpu + load<u8>(dp, 2)), ARM64_BANK + BANK_SP); } else { undefinedInstruction(cpu); store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } break; } // MSR_SP_EL0
      case 496: { store<u64>(cpu + load<u8>(dp, 2), load<u64>(cpu + load<u32>(dp, 4))); break; } // MRS_EL0
      case 497: { store<u64>(cpu + load<u32>(dp, 4), load<u64>(cpu + load<u8>(dp, 2))); break; } // MSR_EL0
      case 498: { atomic.add<u32>(cpu + ARM64_BARRIER, 0); break; } // BARRIER
      case 499: { store<u32>(cpu, 0, ARM64_MONITOR_AT); break; } // CLREX
      case 500: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u8>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRB_I
      case 501: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i8>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_64_I
      case 502: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i8>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_I
      case 503: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u16>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRH_I
      case 504: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i16>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_64_I
      case 505: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i16>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_I
      case 506: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u32>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_32_I
      case 507: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i32>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSW_I
      case 508: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = load<u64>(h);  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_64_I
      case 509: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 0 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u8>(h, <u8>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 1, 1, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRB_I
      case 510: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 1 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u16>(h, <u16>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 2, 2, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRH_I
      case 511: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 3 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u32>(h, <u32>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 4, 4, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_32_I
      case 512: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 8, 8, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_64_I
      case 513: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u8>(h)); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRB_PRE
      case 514: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i8>(h))); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_64_PRE
      case 515: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i8>(h)))); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_PRE
      case 516: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u16>(h)); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRH_PRE
      case 517: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i16>(h))); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_64_PRE
      case 518: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i16>(h)))); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_PRE
      case 519: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u32>(h)); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_32_PRE
      case 520: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i32>(h))); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSW_PRE
      case 521: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = load<u64>(h); store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_64_PRE
      case 522: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 0 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u8>(h, <u8>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 1, 1, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va, 8); } break; } // STRB_PRE
      case 523: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 1 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u16>(h, <u16>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 2, 2, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va, 8); } break; } // STRH_PRE
      case 524: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 3 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u32>(h, <u32>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 4, 4, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va, 8); } break; } // STR_32_PRE
      case 525: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 8, 8, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va, 8); } break; } // STR_64_PRE
      case 526: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u8>(h)); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRB_POST
      case 527: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i8>(h))); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_64_POST
      case 528: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i8>(h)))); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_POST
      case 529: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u16>(h)); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRH_POST
      case 530: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i16>(h))); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_64_POST
      case 531: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i16>(h)))); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_POST
      case 532: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u32>(h)); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_32_POST
      case 533: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i32>(h))); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSW_POST
      case 534: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = load<u64>(h); store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_64_POST
      case 535: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 0 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u8>(h, <u8>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 1, 1, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); } break; } // STRB_POST
      case 536: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 1 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u16>(h, <u16>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 2, 2, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); } break; } // STRH_POST
      case 537: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 3 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u32>(h, <u32>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 4, 4, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); } break; } // STR_32_POST
      case 538: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 8, 8, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i32>(dp, 4))), 8); } break; } // STR_64_POST
      case 539: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u8>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRB_R
      case 540: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i8>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_64_R
      case 541: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i8>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_R
      case 542: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u16>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRH_R
      case 543: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i16>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_64_R
      case 544: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i16>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_R
      case 545: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u32>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_32_R
      case 546: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i32>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSW_R
      case 547: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = load<u64>(h);  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_64_R
      case 548: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 0 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u8>(h, <u8>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 1, 1, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRB_R
      case 549: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 1 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u16>(h, <u16>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 2, 2, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRH_R
      case 550: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 3 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u32>(h, <u32>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 4, 4, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_32_R
      case 551: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (load<u64>(cpu + load<u8>(dp, 4)) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 8, 8, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_64_R
      case 552: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u8>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRB_XU
      case 553: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i8>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_64_XU
      case 554: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i8>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_XU
      case 555: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u16>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRH_XU
      case 556: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i16>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_64_XU
      case 557: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i16>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_XU
      case 558: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u32>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_32_XU
      case 559: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i32>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSW_XU
      case 560: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = load<u64>(h);  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_64_XU
      case 561: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 0 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u8>(h, <u8>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 1, 1, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRB_XU
      case 562: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 1 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u16>(h, <u16>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 2, 2, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRH_XU
      case 563: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 3 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u32>(h, <u32>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 4, 4, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_32_XU
      case 564: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(u32(load<u64>(cpu + load<u8>(dp, 4)))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 8, 8, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_64_XU
      case 565: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u8>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRB_XS
      case 566: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i8>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_64_XS
      case 567: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 0 & ~0xfff)) {
    h = slowLoad(cpu, va, 1, 1);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i8>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSB_XS
      case 568: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u16>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRH_XS
      case 569: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i16>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_64_XS
      case 570: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 1 & ~0xfff)) {
    h = slowLoad(cpu, va, 2, 2);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(u32(i32(load<i16>(h))));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSH_XS
      case 571: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(load<u32>(h));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_32_XS
      case 572: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = u64(i64(load<i32>(h)));  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDRSW_XS
      case 573: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const value = load<u64>(h);  store<u64>(cpu + load<u8>(dp, 2), value); } break; } // LDR_64_XS
      case 574: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 0 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u8>(h, <u8>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 1, 1, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRB_XS
      case 575: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 1 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u16>(h, <u16>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 2, 2, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STRH_XS
      case 576: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 3 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u32>(h, <u32>load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 4, 4, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_32_XS
      case 577: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + (u64(i64(i32(load<u64>(cpu + load<u8>(dp, 4))))) << u64(load<u8>(dp, 5))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2)));
  } else if (!slowStore(cpu, va, 8, 8, load<u64>(cpu + load<u8>(dp, 2)), 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STR_64_XS
      case 578: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = u64(load<u32>(h)), second = u64(load<u32>(h, 4));
            store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDP_32_OFF
      case 579: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = u64(i64(load<i32>(h))), second = u64(i64(load<i32>(h, 4)));
            store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDPSW_OFF
      case 580: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 15 & ~0xfff)) {
    h = slowLoad(cpu, va, 16, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = load<u64>(h), second = load<u64>(h, 8);
            store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDP_64_OFF
      case 581: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 15 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2))); store<u64>(h, load<u64>(cpu + load<u8>(dp, 4)), 8);
  } else if (!slowStore(cpu, va, 16, 8, load<u64>(cpu + load<u8>(dp, 2)), load<u64>(cpu + load<u8>(dp, 4)))) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STP_64_OFF
      case 582: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, u64(u32(load<u64>(cpu + load<u8>(dp, 2)))) | load<u64>(cpu + load<u8>(dp, 4)) << 32);
  } else if (!slowStore(cpu, va, 8, 4, u64(u32(load<u64>(cpu + load<u8>(dp, 2)))) | load<u64>(cpu + load<u8>(dp, 4)) << 32, 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }  } break; } // STP_32_OFF
      case 583: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = u64(load<u32>(h)), second = u64(load<u32>(h, 4));
           store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDP_32_PRE
      case 584: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = u64(i64(load<i32>(h))), second = u64(i64(load<i32>(h, 4)));
           store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDPSW_PRE
      case 585: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 15 & ~0xfff)) {
    h = slowLoad(cpu, va, 16, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = load<u64>(h), second = load<u64>(h, 8);
           store<u64>(cpu + load<u8>(dp, 3), va, 8); store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDP_64_PRE
      case 586: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 15 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2))); store<u64>(h, load<u64>(cpu + load<u8>(dp, 4)), 8);
  } else if (!slowStore(cpu, va, 16, 8, load<u64>(cpu + load<u8>(dp, 2)), load<u64>(cpu + load<u8>(dp, 4)))) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va, 8); } break; } // STP_64_PRE
      case 587: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8) + u64(i64(load<i16>(dp, 6))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, u64(u32(load<u64>(cpu + load<u8>(dp, 2)))) | load<u64>(cpu + load<u8>(dp, 4)) << 32);
  } else if (!slowStore(cpu, va, 8, 4, u64(u32(load<u64>(cpu + load<u8>(dp, 2)))) | load<u64>(cpu + load<u8>(dp, 4)) << 32, 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va, 8); } break; } // STP_32_PRE
      case 588: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = u64(load<u32>(h)), second = u64(load<u32>(h, 4));
           store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i16>(dp, 6))), 8); store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDP_32_POST
      case 589: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = u64(i64(load<i32>(h))), second = u64(i64(load<i32>(h, 4)));
           store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i16>(dp, 6))), 8); store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDPSW_POST
      case 590: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 15 & ~0xfff)) {
    h = slowLoad(cpu, va, 16, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } const first = load<u64>(h), second = load<u64>(h, 8);
           store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i16>(dp, 6))), 8); store<u64>(cpu + load<u8>(dp, 2), first); store<u64>(cpu + load<u8>(dp, 4), second); } break; } // LDP_64_POST
      case 591: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 15 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, load<u64>(cpu + load<u8>(dp, 2))); store<u64>(h, load<u64>(cpu + load<u8>(dp, 4)), 8);
  } else if (!slowStore(cpu, va, 16, 8, load<u64>(cpu + load<u8>(dp, 2)), load<u64>(cpu + load<u8>(dp, 4)))) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i16>(dp, 6))), 8); } break; } // STP_64_POST
      case 592: { { const va = load<u64>(cpu + load<u8>(dp, 3), 8); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  if (load<u64>(entry, ARM64_TLB_WRITE) == (va + 7 & ~0xfff)) {
    const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8);
    store<u64>(h, u64(u32(load<u64>(cpu + load<u8>(dp, 2)))) | load<u64>(cpu + load<u8>(dp, 4)) << 32);
  } else if (!slowStore(cpu, va, 8, 4, u64(u32(load<u64>(cpu + load<u8>(dp, 2)))) | load<u64>(cpu + load<u8>(dp, 4)) << 32, 0)) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } store<u64>(cpu + load<u8>(dp, 3), va + u64(i64(load<i16>(dp, 6))), 8); } break; } // STP_32_POST
      case 593: { { const va = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } store<u64>(cpu + load<u8>(dp, 2), u64(load<u32>(h))); } break; } // LDR_32_LIT
      case 594: { { const va = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 7 & ~0xfff)) {
    h = slowLoad(cpu, va, 8, 8);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } store<u64>(cpu + load<u8>(dp, 2), load<u64>(h)); } break; } // LDR_64_LIT
      case 595: { { const va = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4))); const entry = tlb + (usize(va) >> 8 & 0x3ff0);
  let h = usize(va) + load<u32>(entry, 8);
  if (load<u64>(entry) != (va + 3 & ~0xfff)) {
    h = slowLoad(cpu, va, 4, 4);
    if (h == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; }
  } store<u64>(cpu + load<u8>(dp, 2), u64(i64(load<i32>(h)))); } break; } // LDRSW_LIT
      case 596: { { const va = (page + u64((dp - base) >> 1)) + u64(i64(load<i32>(dp, 4))); if (slowLoad(cpu, va, load<u8>(dp, 3), load<u8>(dp, 3)) == 0) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } } break; } // LITERAL_ZR
      case 597: { if (!access(cpu, load<u32>(dp, 4))) { store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ARM64_RECORD_TRAP; continue; } break; } // ACCESS
      default: unreachable();
    }
    dp += 8;
  }
}
