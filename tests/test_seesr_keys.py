"""The full-width networks of SeeSR have the official checkpoints' keys and shapes.

The table is written from the published configs (Stable Diffusion 2 base; SeeSR's models/*.py), not from diffusers: a release
of diffusers that names or shapes a layer otherwise fails here, before a user's 5 GB download does."""
from math import prod
import pytest, torch

def layer(name, *shape, bias=True): return {f'{name}.weight': shape} | ({f'{name}.bias': shape[:1]} if bias else {})
def conv(name, i, o, k=3): return layer(name, o, i, k, k)
def linear(name, i, o, bias=True): return layer(name, o, i, bias=bias)
def norm(name, c): return layer(name, c)
def merge(*tables): return {k: v for t in tables for k, v in t.items()}

def resnet(p, i, o, time=1280):
    return merge(norm(f'{p}.norm1', i), conv(f'{p}.conv1', i, o), linear(f'{p}.time_emb_proj', time, o) if time else {},
                 norm(f'{p}.norm2', o), conv(f'{p}.conv2', o, o), conv(f'{p}.conv_shortcut', i, o, 1) if i != o else {})

def attention(p, c, context):
    qkv = [linear(f'{p}.to_{n}', w, c, bias=False) for n, w in (('q', c), ('k', context), ('v', context))]
    return merge(*qkv, linear(f'{p}.to_out.0', c, c))

def transformer(p, c, context):
    b = f'{p}.transformer_blocks.0'
    return merge(norm(f'{p}.norm', c), linear(f'{p}.proj_in', c, c), *(norm(f'{b}.norm{i}', c) for i in (1, 2, 3)),
                 attention(f'{b}.attn1', c, c), attention(f'{b}.attn2', c, context),
                 linear(f'{b}.ff.net.0.proj', c, 8*c), linear(f'{b}.ff.net.2', 4*c, c), linear(f'{p}.proj_out', c, c))

def pair(p, i, c): # the attention to the text, and SeeSR's to the image
    return merge(transformer(f'{p}.attentions.{i}', c, 1024), transformer(f'{p}.image_attentions.{i}', c, 512))

WIDTHS = 320, 640, 1280, 1280

def encoder():
    "Return what UNet and ControlNet share, and the channels of the skips."
    t = merge(conv('conv_in', 4, 320), linear('time_embedding.linear_1', 320, 1280), linear('time_embedding.linear_2', 1280, 1280))
    skips, c = [320], 320
    for n, w in enumerate(WIDTHS):
        for i in range(2):
            t |= resnet(f'down_blocks.{n}.resnets.{i}', c, w); c = w; skips.append(w)
            if n < 3: t |= pair(f'down_blocks.{n}', i, w)
        if n < 3: t |= conv(f'down_blocks.{n}.downsamplers.0.conv', w, w); skips.append(w)
    return t | resnet('mid_block.resnets.0', c, c) | pair('mid_block', 0, c) | resnet('mid_block.resnets.1', c, c), skips

def unet():
    t, skips = encoder(); c = 1280
    for n, w in enumerate(reversed(WIDTHS)):
        for i in range(3):
            t |= resnet(f'up_blocks.{n}.resnets.{i}', c + skips.pop(), w); c = w
            if n > 0: t |= pair(f'up_blocks.{n}', i, w)
        if n < 3: t |= conv(f'up_blocks.{n}.upsamplers.0.conv', w, w)
    return merge(t, norm('conv_norm_out', 320), conv('conv_out', 320, 4))

def controlnet():
    t, skips = encoder(); e = 'controlnet_cond_embedding'
    t |= conv(f'{e}.conv_in', 3, 16) | conv(f'{e}.conv_out', 256, 320)
    for i, (a, b) in enumerate(((16, 16), (16, 32), (32, 32), (32, 96), (96, 96), (96, 256))): t |= conv(f'{e}.blocks.{i}', a, b)
    for i, c in enumerate(skips): t |= conv(f'controlnet_down_blocks.{i}', c, c, 1)
    return t | conv('controlnet_mid_block', 1280, 1280, 1)

def vae():
    def half(p, ends, widths, layers, sampler):
        t = merge(conv(f'{p}.conv_in', ends[0], widths[0] if p == 'encoder' else 512), norm(f'{p}.conv_norm_out', widths[-1] if p == 'encoder' else 128),
                  conv(f'{p}.conv_out', widths[-1] if p == 'encoder' else 128, ends[1]))
        c, side = widths[0] if p == 'encoder' else 512, 'down' if p == 'encoder' else 'up'
        for n, w in enumerate(widths):
            for i in range(layers): t |= resnet(f'{p}.{side}_blocks.{n}.resnets.{i}', c, w, time=0); c = w
            if n < 3: t |= conv(f'{p}.{side}_blocks.{n}.{sampler}.0.conv', w, w)
        a = f'{p}.mid_block.attentions.0'
        t |= merge(norm(f'{a}.group_norm', 512), *(linear(f'{a}.{n}', 512, 512) for n in ('to_q', 'to_k', 'to_v', 'to_out.0')))
        return merge(t, *(resnet(f'{p}.mid_block.resnets.{i}', 512, 512, time=0) for i in (0, 1)))
    w = 128, 256, 512, 512
    return merge(half('encoder', (3, 8), w, 2, 'downsamplers'), half('decoder', (4, 3), w[::-1], 3, 'upsamplers'),
                 conv('quant_conv', 8, 8, 1), conv('post_quant_conv', 4, 4, 1))

def text():
    t = {'embeddings.token_embedding.weight': (49408, 1024), 'embeddings.position_embedding.weight': (77, 1024)}
    for i in range(23):
        p = f'encoder.layers.{i}'
        t |= merge(norm(f'{p}.layer_norm1', 1024), norm(f'{p}.layer_norm2', 1024), linear(f'{p}.mlp.fc1', 1024, 4096), linear(f'{p}.mlp.fc2', 4096, 1024),
                   *(linear(f'{p}.self_attn.{n}', 1024, 1024) for n in ('q_proj', 'k_proj', 'v_proj', 'out_proj')))
    return t | norm('final_layer_norm', 1024)

@pytest.fixture(scope='module')
def networks():
    from srstudy.sr.seesr import SEESR, build_seesr
    with torch.device('meta'): return build_seesr(SEESR['full'])

@pytest.mark.parametrize('part, table', [('unet', unet), ('controlnet', controlnet), ('vae', vae), ('text', text)])
def test_keys_and_shapes(networks, part, table):
    ours = {k: tuple(v.shape) for k, v in networks[part].state_dict().items()}
    theirs = table()
    assert ours == theirs, sorted(ours.keys() ^ theirs.keys())[:10]

def test_published_sizes():
    "Stable Diffusion 2's log: 865.91 M for the UNet; diffusers' VAE of SD: 83.65 M. The image attention comes on top."
    stock = {k: v for k, v in unet().items() if 'image_attentions' not in k}
    assert len(stock) == 686 and round(sum(map(prod, stock.values()))/1e6, 2) == 865.91
    assert round(sum(map(prod, vae().values()))/1e6, 2) == 83.65
    modules = lambda t: len({k.split('.norm.')[0] for k in t if 'image_attentions' in k and k.endswith('.norm.weight')})
    assert (modules(unet()), modules(controlnet())) == (16, 7)
