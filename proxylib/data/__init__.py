"""What models read and are asked, and the published data that claims are tested on."""
