//! The machine's peak: how many multiplications and additions it can do with all of them fused and
//! nothing read from memory.

use std::hint::black_box;
use std::time::Instant;

use super::simd::{Isa, Kernel, Simd};

/// Chains of sums, each in its own register: as many as the latency of an instruction needs.
const CHAINS: usize = 12;
/// Multiply-adds of each chain between two looks at the clock.
const LINKS: usize = 1 << 20;

/// Floating-point operations per second of `threads` threads of the current pool together, over
/// about `seconds`; a multiplication and an addition are two.
pub fn flops(isa: Isa, threads: usize, seconds: f64) -> f64 {
    let start = Instant::now();
    let operations: Vec<f64> = rayon::broadcast(|thread| {
        if thread.index() >= threads {
            return 0.0;
        }
        let mut operations = 0.0;
        while start.elapsed().as_secs_f64() < seconds {
            isa.run(Chains {
                operations: &mut operations,
            });
        }
        operations
    });
    operations.iter().sum::<f64>() / start.elapsed().as_secs_f64()
}

struct Chains<'a> {
    operations: &'a mut f64,
}

impl Kernel for Chains<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Factors that the compiler does not know; the sums neither overflow nor vanish.
        let (factor, term) = (s.splat(black_box(0.5)), s.splat(black_box(1.0)));
        let mut sums = [s.splat(0.0); CHAINS];
        for _ in 0..LINKS {
            for k in 0..CHAINS {
                sums[k] = s.mul_add(sums[k], factor, term);
            }
        }
        let mut total = sums[0];
        for k in 1..CHAINS {
            total = s.add(total, sums[k]);
        }
        let mut seen = [0.0; 16];
        s.store(&mut seen, 0, total);
        black_box(seen);
        *self.operations += (2 * CHAINS * LINKS * S::LANES) as f64;
    }
}
