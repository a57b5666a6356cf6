"""The pipeline file of the checkpoint `custom-pipeline`; diffusers loads it, we never import it.

Its call looks like OmniGen2's: the pictures are `input_images`, there are two guidance scales with names of
their own, and no callback after a step.
"""

import numpy as np
import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils.torch_utils import randn_tensor


class TinyOwnPipeline(DiffusionPipeline):
    """Denoises patches of 2 x 2 latents that follow the source's patches in one sequence."""

    model_cpu_offload_seq = "text_encoder->transformer->vae"

    def __init__(self, scheduler, text_encoder, tokenizer, transformer, vae):
        super().__init__()
        self.register_modules(
            scheduler=scheduler,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            transformer=transformer,
            vae=vae,
        )
        self.vae_scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.image_processor = VaeImageProcessor(vae_scale_factor=2 * self.vae_scale_factor)

    def read(self, prompts, device):
        """(pooled, states): prompts x width, prompts x 77 x width."""
        tokens = self.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt")
        answer = self.text_encoder(tokens.input_ids.to(device))
        return answer.pooler_output, answer.last_hidden_state

    @staticmethod
    def pack(latents):
        """N x C x H x W to N x (H/2 * W/2) x 4C."""
        count, channels, height, width = latents.shape
        patches = latents.view(count, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
        return patches.reshape(count, height // 2 * (width // 2), 4 * channels)

    @staticmethod
    def unpack(patches, height, width):
        count, _, deep = patches.shape
        grid = patches.view(count, height // 2, width // 2, deep // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
        return grid.reshape(count, deep // 4, height, width)

    @staticmethod
    def places(height, width, picture, device):
        """Where each patch stands: (picture, row, column)."""
        rows, columns = torch.meshgrid(torch.arange(height // 2), torch.arange(width // 2), indexing="ij")
        which = torch.full_like(rows, picture)
        return torch.stack([which, rows, columns], dim=-1).reshape(-1, 3).to(device, torch.float32)

    @torch.no_grad()
    def __call__(
        self,
        prompt,
        input_images=None,
        negative_prompt="",
        height=None,
        width=None,
        num_inference_steps=28,
        text_guidance_scale=4.0,
        image_guidance_scale=1.0,
        num_images_per_prompt=1,
        generator=None,
        output_type="pil",
        return_dict=True,
    ):
        device = self._execution_device
        dtype = self.transformer.dtype
        images = [] if input_images is None else list(input_images)
        height = height or (images[0].height if images else 256)
        width = width or (images[0].width if images else 256)
        step = 2 * self.vae_scale_factor
        height, width = height // step * step, width // step * step
        rows, columns = height // self.vae_scale_factor, width // self.vae_scale_factor
        count = num_images_per_prompt
        pooled, states = (part.repeat_interleave(count, dim=0) for part in self.read([prompt], device))
        no_pooled, no_states = (
            part.repeat_interleave(count, dim=0) for part in self.read([negative_prompt], device)
        )
        known, known_places = [], []
        for number, image in enumerate(images):
            pixels = self.image_processor.preprocess(image, height=height, width=width).to(device, dtype)
            latents = self.vae.encode(pixels).latent_dist.mode()
            latents = (latents - self.vae.config.shift_factor) * self.vae.config.scaling_factor
            known.append(self.pack(latents).repeat(count, 1, 1))
            known_places.append(self.places(rows, columns, number + 1, device))
        shape = (count, self.vae.config.latent_channels, rows, columns)
        patches = self.pack(randn_tensor(shape, generator=generator, device=device, dtype=dtype))
        length = patches.shape[1]
        places = torch.cat([self.places(rows, columns, 0, device), *known_places])
        words = torch.zeros(states.shape[1], 3, device=device)

        def velocity(pooled, states, pictures):
            sequence = torch.cat([patches, *pictures], dim=1)
            return self.transformer(
                hidden_states=sequence,
                encoder_hidden_states=states,
                pooled_projections=pooled,
                timestep=(time / 1000).expand(count),
                img_ids=places[: sequence.shape[1]],
                txt_ids=words,
            ).sample[:, :length]

        sigmas = np.linspace(1.0, 1 / num_inference_steps, num_inference_steps)
        self.scheduler.set_timesteps(sigmas=sigmas, device=device)
        for time in self.progress_bar(self.scheduler.timesteps):
            guess = velocity(pooled, states, known)
            without = velocity(no_pooled, no_states, known)
            guided = without + text_guidance_scale * (guess - without)
            if image_guidance_scale > 1 and known:
                guided = guided + (image_guidance_scale - 1) * (without - velocity(no_pooled, no_states, []))
            patches = self.scheduler.step(guided, time, patches, return_dict=False)[0]
        latents = self.unpack(patches, rows, columns) / self.vae.config.scaling_factor
        decoded = self.vae.decode(latents + self.vae.config.shift_factor, return_dict=False)[0]
        result = self.image_processor.postprocess(decoded, output_type=output_type)
        self.maybe_free_model_hooks()
        return ImagePipelineOutput(images=result) if return_dict else (result,)
