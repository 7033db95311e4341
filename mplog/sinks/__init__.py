"""Where events go beside the files: four methods each, none of which is clever."""
