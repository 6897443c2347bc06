//! The transforms of six or four numbers in a row.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

use super::super::Quad;

/// `Bᵀ d`.
#[cube]
pub fn input(d: &Array<Quad>, out: &mut Array<Quad>) {
    let (a, b, c) = (d[0usize], d[1usize], d[2usize]);
    let (e, f, g) = (d[3usize], d[4usize], d[5usize]);
    let (two, four, five) = (Quad::new(2.0), Quad::new(4.0), Quad::new(5.0));
    let even = f - four * c;
    let odd = e - four * b;
    let near = f - c;
    let far = two * (e - b);
    out[0usize] = four * a - five * c + f;
    out[1usize] = even + odd;
    out[2usize] = even - odd;
    out[3usize] = near + far;
    out[4usize] = near - far;
    out[5usize] = four * b - five * e + g;
}

/// `Aᵀ m`.
#[cube]
pub fn output(m: &Array<Quad>, out: &mut Array<Quad>) {
    let (two, four, eight) = (Quad::new(2.0), Quad::new(4.0), Quad::new(8.0));
    let near = m[1usize] + m[2usize];
    let far = m[3usize] + m[4usize];
    let left = m[1usize] - m[2usize];
    let right = m[3usize] - m[4usize];
    out[0usize] = m[0usize] + near + far;
    out[1usize] = left + two * right;
    out[2usize] = near + four * far;
    out[3usize] = left + eight * right + m[5usize];
}

/// `G g`.
#[cube]
pub fn filter(a: Quad, b: Quad, c: Quad, out: &mut Array<Quad>) {
    let near = (a + c) * Quad::new(-1.0 / 6.0);
    let far = (a + c * Quad::new(4.0)) * Quad::new(1.0 / 24.0);
    let sixth = b * Quad::new(-1.0 / 6.0);
    let half = b * Quad::new(1.0 / 12.0);
    out[0usize] = a * Quad::new(0.25);
    out[1usize] = near + sixth;
    out[2usize] = near - sixth;
    out[3usize] = far + half;
    out[4usize] = far - half;
    out[5usize] = c;
}
