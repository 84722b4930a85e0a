"""Weight files of Keras: tiny ones for the tests, and whole networks compared with ours.

    pip install keras tensorflow-cpu h5py onnxruntime      (Keras 3.15, TensorFlow 2.21, ONNX Runtime 1.32 were used)
    python tools/golden/keras_files.py                     tests/fixtures/weights/keras_tiny.{h5,weights.h5,keras}, and corpora of the fuzz target
    python tools/golden/keras_files.py check URSID         MobileNetV3 small, large and minimalistic with random weights: Keras' logits beside ours (import, export --onnx, ONNX Runtime)

Tensor number t of the tiny network has the values t + i / 8 in Keras' own order."""
import os
import shutil
import subprocess
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "..", "tests", "fixtures", "weights")
CORPUS = os.path.join(HERE, "..", "..", "tests", "fuzz", "corpus", "hdf5")
FORMS = ("h5", "weights.h5", "keras")


def tiny():
    layers = keras.layers
    x = image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, (3, 2), use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(name="conv_bn")(x)
    x = layers.DepthwiseConv2D(3, use_bias=False, name="expanded_conv_depthwise")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(2, name="logits")(x)
    model = keras.Model(image, x)
    for t, weight in enumerate(model.weights):
        weight.assign(t + np.arange(np.prod(weight.shape), dtype=np.float32).reshape(weight.shape) / 8)
    return model


def save(model, path):
    (model.save_weights if path.endswith(".weights.h5") else model.save)(path)


def write():
    os.makedirs(CORPUS, exist_ok=True)
    for form in FORMS:
        path = os.path.join(OUT, "keras_tiny." + form)
        save(tiny(), path)
        shutil.copy(path, CORPUS)
        print(path, os.path.getsize(path))


def networks():
    for size in ("Small", "Large"):
        for minimal in (False, True):
            arch = "mobilenet_v3_" + size.lower() + ("_minimalistic" if minimal else "")
            yield arch, getattr(keras.applications, "MobileNetV3" + size)(input_shape=(224, 224, 3), weights=None, minimalistic=minimal, classes=10, classifier_activation=None)


def check(ursid):
    import onnxruntime

    rng = np.random.default_rng(1)
    worst = 0.0
    for arch, model in networks():
        for weight in model.weights:  # norms with statistics of their own, as after a training
            if weight.path.endswith("moving_variance") or weight.path.endswith("gamma"):
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
            elif weight.path.endswith("moving_mean") or weight.path.endswith("beta"):
                weight.assign(rng.normal(0, 0.1, weight.shape))
        picture = rng.uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
        theirs = model.predict(picture, verbose=0)
        for form in FORMS:
            with tempfile.TemporaryDirectory() as folder:
                file, ours, onnx = (os.path.join(folder, name) for name in ("w." + form, "w.safetensors", "w.onnx"))
                save(model, file)
                subprocess.run([ursid, "model", "import", file, "--arch", arch, "--out", ours], check=True, stdout=subprocess.DEVNULL)
                subprocess.run([ursid, "export", ours, "--onnx", onnx], check=True, stdout=subprocess.DEVNULL)
                session = onnxruntime.InferenceSession(onnx)
                answer = session.run(None, {session.get_inputs()[0].name: (picture / 127.5 - 1).transpose(0, 3, 1, 2)})[0]
            error = float(np.abs(answer.reshape(theirs.shape) - theirs).max() / np.abs(theirs).max())
            worst = max(worst, error)
            print(f"{arch:32} {form:12} {error:.2e} of the largest logit")
    print("worst", worst)
    sys.exit(worst > 1e-4)


check(sys.argv[2]) if sys.argv[1:2] == ["check"] else write()
