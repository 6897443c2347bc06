"""Kernel distillation: trains a network until its inner products agree with the teacher's (agreement.py)."""

import math
import time

import torch
from agreement import Agreement
from balance import Balance
from network import LAYERS, features, half_features
from optimise import Optimiser
from room import Room
from safetensors.torch import save_file
from shorten import shorten
from student import Student, save_parts, start

def train(room, student, kind, rate, seconds, score_every, paint_every, noise_from):
    """Trains for some seconds, the rate falling by a cosine to nothing."""
    args = room.args
    optimiser = Optimiser(student.weights, kind)
    agreement, balance = Agreement(args.triples, args.size // 16), Balance(LAYERS, room.device)
    begun, step, shown = time.time(), 0, {"report": 0.0, "score": 0.0, "paint": 0.0}

    def due(what, every):
        if spent - shown[what] < every:
            return False
        shown[what] = spent
        return True

    while (spent := time.time() - begun) < seconds and step < args.steps:
        if due("paint", paint_every):
            painter = room.teacher if torch.rand(()) < 0.2 else student.average
            room.paint(painter)
        if due("score", score_every):
            room.score.say(f"  after {spent:.0f} s", student.average)
            save_parts(args.out, student.average)
        if due("report", args.report_every):
            crops_a_second = step * (3 * args.triples + args.photos + args.paintings) / spent
            means = " ".join(f"{v:.4f}" for v in balance.running.mean(0).tolist())
            room.say(f"step {step}, {crops_a_second:.0f} crops/s, terms {means}")
        share = spent / seconds
        falling = min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * share))
        x = room.batch()
        with torch.no_grad():
            theirs = half_features(x, room.teacher)
        ours = half_features(x, student.used(share > noise_from))
        balance.loss(agreement.terms(ours, theirs)).backward()
        optimiser.step(rate * falling, args.bias_rate * falling)
        student.follow(step)
        step += 1
        if step % 5 == 0:
            student.even(agreement.sizes)
            room.settle()
    room.say(f"{step} steps in {time.time() - begun:.1f} s; {balance.report(LAYERS)}")


def begin(args):
    """The room, with policy pictures by the network that the training starts from."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    room = Room(args)
    first = start(args.start, room.device)
    for _ in range(args.first_paintings):
        room.paint(first)
    room.say(f"{room.policy.filled} policy pictures")
    return room


def arms(room, source):
    """Short trainings, each KIND:RATE, one after another; the best by its score, as (network, kind, rate)."""
    args, best = room.args, None
    for arm in args.arms.split():
        kind, rate = arm.split(":")
        student = Student(source, room.batch())
        train(room, student, kind, float(rate), args.arm_seconds, math.inf, math.inf, math.inf)
        style = room.score.say(arm, student.average)[0]
        if math.isfinite(style) and (best is None or style < best[0]):
            best = style, student.average, kind, float(rate)
    return best[1:]


def command(args):
    """Short trainings to find a rate, a long one with the best, then what makes a VGG16 of it."""
    room = begin(args)
    network, kind, rate = arms(room, start(args.start, room.device))
    student = Student(network, room.batch())
    train(room, student, kind, rate, args.seconds, args.score_every, args.paint_every, args.noise_from)
    save_parts(args.out, student.average)
    room.score.say("trained", student.average)
    weights, params, which = shorten(room, student, args.short_seconds)
    params = {f"vgg16.{k}": v.detach().half().contiguous().cpu() for k, v in params.items()}
    save_file(params, f"{args.out}/vgg16.safetensors")
    room.score.say("its VGG16", weights, lambda x, w: features(x, w, **which))
