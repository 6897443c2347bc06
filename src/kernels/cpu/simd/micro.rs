//! Matrix products: a small block of sums stays in registers for the whole depth.

use super::Simd;

/// Columns of a strip of a right factor. Where a factor is made for a product, its strips lie one after
/// another: as parts of wider rows, what a narrow block reads would fall on few sets of the cache.
pub const STRIP: usize = 16;

/// The left factor of a [`Product`]: element `(i, k)` is `data[i * row + k * step]`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    /// The elements.
    pub data: &'a [f32],
    /// Distance between rows.
    pub row: usize,
    /// Distance between neighbours in a row.
    pub step: usize,
}

/// `out = left · right`, or `out += left · right`, for one panel of columns.
///
/// Every sum runs over the depth in order, so a result does not depend on how rows and columns
/// are cut into blocks.
pub struct Product<'a> {
    /// Rows of `left` and of the result.
    pub rows: usize,
    /// Columns of `left`, rows of `right`.
    pub depth: usize,
    /// Columns of `right` and of the result, a multiple of 16.
    pub width: usize,
    /// The left factor.
    pub left: Left<'a>,
    /// The right factor, in strips of [`STRIP`] columns.
    pub right: &'a [f32],
    /// Distance between the rows of a strip.
    pub right_row: usize,
    /// Distance between strips: [`STRIP`] for a matrix that is whole.
    pub right_strip: usize,
    /// The result, row by row.
    pub out: &'a mut [f32],
    /// Distance between the rows of `out`.
    pub out_row: usize,
    /// Adds to what `out` holds.
    pub add: bool,
}

impl Product<'_> {
    /// Computes it. Panics where a slice is too short for the sizes.
    #[inline(always)]
    pub fn run<S: Simd>(self, s: S) {
        let (rows, depth, width) = (self.rows, self.depth, self.width);
        if rows == 0 || width == 0 {
            return;
        }
        assert!(width.is_multiple_of(STRIP), "panel width");
        let last = depth.saturating_sub(1);
        let last_strip = (width / STRIP - 1) * self.right_strip;
        let left_end = (rows - 1) * self.left.row + last * self.left.step;
        assert!(depth == 0 || left_end < self.left.data.len(), "left factor");
        assert!(
            depth == 0 || last * self.right_row + last_strip + STRIP <= self.right.len(),
            "right factor"
        );
        assert!(
            (rows - 1) * self.out_row + width <= self.out.len(),
            "result"
        );
        let out_start = self.out.as_mut_ptr();
        let block = S::VECTORS * S::LANES;
        for column in (0..width).step_by(block) {
            let start = column / STRIP * self.right_strip + column % STRIP;
            // Rows are shared out evenly, so that no block is left with one or two of them.
            let blocks = rows.div_ceil(S::ROWS);
            for b in 0..blocks {
                let (from, to) = (rows * b / blocks, rows * (b + 1) / blocks);
                // SAFETY: the asserts above cover every row below `rows` and column below `width`.
                let (left, right, out) = unsafe {
                    (
                        self.left.data.as_ptr().add(from * self.left.row),
                        self.right.as_ptr().add(start),
                        out_start.add(from * self.out_row + column),
                    )
                };
                let sizes = Strides {
                    depth,
                    left_row: self.left.row,
                    left_step: self.left.step,
                    right_row: self.right_row,
                    right_strip: self.right_strip,
                    out_row: self.out_row,
                    add: self.add,
                };
                // SAFETY: as above.
                unsafe {
                    block_of(
                        s,
                        to - from,
                        (width - column).min(block),
                        &sizes,
                        left,
                        right,
                        out,
                    );
                };
            }
        }
    }
}

struct Strides {
    depth: usize,
    left_row: usize,
    left_step: usize,
    right_row: usize,
    right_strip: usize,
    out_row: usize,
    add: bool,
}

/// Picks the block function for the number of rows and columns.
///
/// # Safety
/// The pointers must be valid for the rows, columns and strides given.
#[inline(always)]
unsafe fn block_of<S: Simd>(
    s: S,
    rows: usize,
    columns: usize,
    z: &Strides,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
) {
    macro_rules! pick {
        ($vectors:literal: $($rows:literal)*) => {
            match rows {
                // SAFETY: the caller's.
                $($rows if $rows <= S::ROWS => unsafe { block::<S, $rows, $vectors>(s, z, a, b, c) },)*
                _ => unreachable!("no block has more rows than Simd::ROWS"),
            }
        };
    }
    match columns / S::LANES {
        1 if S::LANES > 8 => pick!(1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
        2 if S::VECTORS >= 2 => pick!(2: 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
        3 if S::VECTORS >= 3 && S::LANES > 8 => pick!(3: 1 2 3 4 5 6 7 8),
        4 if S::VECTORS >= 4 => pick!(4: 1 2 3 4 5 6 7 8),
        _ => unreachable!("panels are multiples of 16 columns wide"),
    }
}

/// Links of a chain of sums between two turns of its loop. What a turn takes besides the products (the loop
/// itself, the addresses) is a quarter of its instructions otherwise, and a core whose other half is at
/// work for somebody else starts too few to hide them (benches/README.md).
const LINKS: usize = 4;

/// `ROWS` rows by `VECTORS` vectors of sums.
///
/// # Safety
/// The pointers must be valid for that block and the strides given.
#[inline(always)]
unsafe fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    z: &Strides,
    mut a: *const f32,
    mut b: *const f32,
    c: *mut f32,
) {
    let mut sums = [[s.splat(0.0); VECTORS]; ROWS];
    for _ in 0..z.depth / LINKS {
        for _ in 0..LINKS {
            // SAFETY: the caller's.
            unsafe { link(s, z, &mut a, &mut b, &mut sums) };
        }
    }
    for _ in 0..z.depth % LINKS {
        // SAFETY: the caller's.
        unsafe { link(s, z, &mut a, &mut b, &mut sums) };
    }
    for i in 0..ROWS {
        for j in 0..VECTORS {
            // SAFETY: the caller's.
            unsafe {
                let to = c.add(i * z.out_row + j * S::LANES);
                let sum = sums[i][j];
                s.write(to, if z.add { s.add(s.read(to), sum) } else { sum });
            }
        }
    }
}

/// Adds the products at one place of the depth, and goes on to the next.
///
/// # Safety
/// The pointers must be valid for the block's rows and columns at this place.
#[inline(always)]
unsafe fn link<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    z: &Strides,
    a: &mut *const f32,
    b: &mut *const f32,
    sums: &mut [[S::V; VECTORS]; ROWS],
) {
    let mut right = [s.splat(0.0); VECTORS];
    for j in 0..VECTORS {
        let column = j * S::LANES;
        // SAFETY: the caller's.
        right[j] = unsafe { s.read(b.add(column / STRIP * z.right_strip + column % STRIP)) };
    }
    for i in 0..ROWS {
        // SAFETY: the caller's.
        let left = s.splat(unsafe { *a.add(i * z.left_row) });
        for j in 0..VECTORS {
            sums[i][j] = s.mul_add(left, right[j], sums[i][j]);
        }
    }
    *a = a.wrapping_add(z.left_step);
    *b = b.wrapping_add(z.right_row);
}

/// Transposes a block of 16 x 16 floats; both sides are given with the distance of their rows.
///
/// Panics where a slice is too short.
#[inline(always)]
pub fn transpose16(from: &[f32], from_row: usize, to: &mut [f32], to_row: usize) {
    for i in (0..16).step_by(4) {
        let row = |r: usize| -> &[f32; 16] {
            from[(i + r) * from_row..]
                .first_chunk()
                .expect("16 columns")
        };
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        for j in 0..16 {
            let out: &mut [f32; 4] = to[j * to_row + i..].first_chunk_mut().expect("16 rows");
            *out = [a[j], b[j], c[j], d[j]];
        }
    }
}
